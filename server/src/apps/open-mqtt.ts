import type { DeviceId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Admission } from '../vitals/1-ingest/admission.ts';
import { createMqttEndpoint } from '../vitals/1-ingest/mqtt/endpoint.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

type Endpoint = ReturnType<typeof createMqttEndpoint>;
type EndpointOptions = Parameters<typeof createMqttEndpoint>[0];

/** The door of devices over MQTT, open; a change of the registry ends sessions and sends configurations. */
export async function openMqtt(parts: {
  readonly settings: Settings;
  readonly tls: EndpointOptions['tls'];
  readonly door: { readonly deviceAccess: EndpointOptions['deviceAccess'] };
  readonly certificateRequest: NonNullable<EndpointOptions['certificateRequest']>;
  readonly seen: NonNullable<NonNullable<EndpointOptions['hooks']>['door']>;
  readonly admission: Admission;
  readonly view: () => RegistryView;
  onPresence(deviceId: DeviceId, state: 'online' | 'offline'): void;
  onRegistryChange(tell: () => void): void;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<{ readonly mqtt: Endpoint; readonly mqttPort: number }> {
  const { settings, admission, view, metrics } = parts;
  const mqtt = createMqttEndpoint({
    tls: parts.tls,
    tlsMinVersion: settings.tlsMinVersion,
    ...(settings.host === undefined ? {} : { host: settings.host }),
    port: settings.mqttPort,
    bounds: {
      connectionsMax: settings.mqttSessionsMax,
      packetsPerSecondMax: settings.deviceReadingsPerSecondMax,
      packetsBurstMax: 2 * settings.deviceReadingsPerSecondMax,
    },
    now: parts.now,
    log: parts.log,
    hooks: {
      connect: (outcome) => metrics.mqtt.connect(outcome),
      disconnect: (cause) => metrics.mqtt.disconnect(cause),
      refused: (reason) => metrics.mqtt.refused(reason),
      handshake: (outcome) => metrics.mqtt.handshake('mqtts', outcome),
      ackMs: (ms) => metrics.ingest.ackMs('mqtt', ms),
      door: parts.seen,
    },
    ingest: admission.admitBytes,
    deviceAccess: parts.door.deviceAccess,
    certificateRequest: parts.certificateRequest,
    configOf: (deviceId) => view().configOf(deviceId),
    presence: (deviceId, state) => parts.onPresence(deviceId, state),
  });
  const { port: mqttPort } = await mqtt.listen();
  parts.undo.push('MQTT endpoint', () => mqtt.close());
  parts.onRegistryChange(() => mqtt.recheck());
  const told = new Map(view().snapshot.devices.map(({ id, config }) => [id, config]));
  parts.onRegistryChange(() => {
    for (const { id, config } of view().snapshot.devices) {
      if (config !== undefined && config !== told.get(id)) mqtt.publishConfig(id);
      told.set(id, config);
    }
  });
  return { mqtt, mqttPort };
}
