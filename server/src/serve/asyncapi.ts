import { AlertList } from '@healthsync/contracts/alert';
import { CertificateAnswer, RenewCommand } from '@healthsync/contracts/device-enrollment';
import { AlarmEvent, SecurityAlertEvent } from '@healthsync/contracts/event';
import { LiveAlert, LiveBeat, LiveSnapshot, LiveVitals } from '@healthsync/contracts/live';
import { WireReading } from '@healthsync/contracts/reading';
import { LiveSystemAlarm } from '@healthsync/contracts/system-alarm';
import { Type } from 'typebox';

/**
 * What is said over MQTT and the live stream, as AsyncAPI 3. `docs/asyncapi.yaml` is this, written out; a test compares
 * the two, so that the page device makers read cannot fall behind the schemas the server uses.
 */
export function describeEvents(version: string): Record<string, unknown> {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'HealthSync events',
      version,
      license: { name: 'Apache-2.0' },
      description:
        'Devices publish readings over MQTT 3.1.1 or 5 under mutual TLS; people and walls listen to a stream of server-sent events. Every time is UTC.',
    },
    servers: {
      mqtts: {
        host: 'localhost:8883',
        protocol: 'secure-mqtt',
        description:
          'TLS 1.3 with a device certificate (SAN `spiffe://healthsync/device/{deviceId}`). A device uses its own topics and no other; wildcards and shared subscriptions are refused.',
        security: [{ type: 'X509' }],
      },
      https: {
        host: 'localhost:8443',
        protocol: 'https',
        security: [{ type: 'http', scheme: 'bearer' }],
      },
    },
    channels: CHANNELS,
    operations: OPERATIONS,
    components: { messages: MESSAGES, schemas: schemas() },
  };
}

const DEVICE = { deviceId: { description: 'The id in the device’s certificate.' } };
const onChannel = (channel: string, message: string) => ({ $ref: `#/channels/${channel}/messages/${message}` });
const componentMessage = (name: string) => ({ [name]: { $ref: `#/components/messages/${name}` } });
const mqtt = [{ $ref: '#/servers/mqtts' }];

const CHANNELS = {
  readings: {
    address: 'devices/{deviceId}/readings',
    servers: mqtt,
    parameters: DEVICE,
    description:
      'QoS 1 or 2: acknowledged only once the reading is on stable storage. MQTT 5 answers a bad reading with reason 0x99 and its code and field; MQTT 3.1.1 cannot, so it is acknowledged once it is kept among the rejected readings. Delivery is idempotent by `id`.',
    messages: componentMessage('reading'),
  },
  status: {
    address: 'devices/{deviceId}/status',
    servers: mqtt,
    parameters: DEVICE,
    description: 'For the last will: a device that vanishes is marked offline at once. Its payload is not kept.',
    messages: componentMessage('status'),
  },
  config: {
    address: 'devices/{deviceId}/config',
    servers: mqtt,
    parameters: DEVICE,
    description: 'Retained: sent on subscribing, and whenever it changes.',
    messages: componentMessage('config'),
  },
  commands: {
    address: 'devices/{deviceId}/commands',
    servers: mqtt,
    parameters: DEVICE,
    description: 'Kept for a while for a persistent session that is away.',
    messages: { ...componentMessage('command'), ...componentMessage('renew-certificate') },
  },
  certificateRequest: {
    address: 'devices/{deviceId}/certificate/request',
    servers: mqtt,
    parameters: DEVICE,
    description:
      'A PKCS#10 request, DER or PEM, for the device’s next certificate: of a new key if it can make one, with no name in it but its own. Sent by a device that listens on `devices/{deviceId}/certificate`; acknowledged as received (MQTT 5 says 0x10 where it does not listen, and nothing is issued). The same over HTTPS: `POST /.well-known/est/simplereenroll` (RFC 7030).',
    messages: componentMessage('certificate-request'),
  },
  certificate: {
    address: 'devices/{deviceId}/certificate',
    servers: mqtt,
    parameters: DEVICE,
    description:
      'What became of a request. The old certificate counts until the new one was used and some time has passed: keep it until a connection with the new one stands.',
    messages: componentMessage('certificate'),
  },
  live: {
    address: '/api/live',
    servers: [{ $ref: '#/servers/https' }],
    description:
      'Server-sent events. Query: `ward` (may be repeated) for these wards only, `vitals=false` for alarms alone. Every event has an id; a client that comes back always gets a new `snapshot`. A client that hears nothing for 5 s must say that the feed is down. No event carries a name.',
    messages: {
      ...componentMessage('snapshot'),
      ...componentMessage('vitals'),
      ...componentMessage('alert'),
      ...componentMessage('system'),
      ...componentMessage('beat'),
      ...componentMessage('signed-out'),
      ...componentMessage('overflow'),
    },
  },
  alarmEvents: {
    address: null,
    description:
      'What happens to alarms, POSTed to each subscription (`/api/event-subscriptions`) in order, one at a time, until it is answered with 2xx: CloudEvents 1.0.2 in structured mode, signed by Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`). At least once: `id` is the same for every delivery of an event. 410 ends the subscription. The same events can be read from any position by `GET /api/events`. Fields and changes may be added within a version; receivers ignore what they do not know.',
    messages: componentMessage('alarm-event'),
  },
  securityAlertEvents: {
    address: null,
    description:
      'That watching over access has noticed something, how serious it is and how it ended: POSTed like alarm events, to subscriptions with a route that says `about: ["security-alert"]`. Neither who nor which patient.',
    messages: componentMessage('security-alert-event'),
  },
};

const OPERATIONS = {
  receiveReadings: {
    action: 'receive',
    channel: { $ref: '#/channels/readings' },
    messages: [onChannel('readings', 'reading')],
  },
  receiveStatus: {
    action: 'receive',
    channel: { $ref: '#/channels/status' },
    messages: [onChannel('status', 'status')],
  },
  sendConfig: { action: 'send', channel: { $ref: '#/channels/config' }, messages: [onChannel('config', 'config')] },
  sendCommands: {
    action: 'send',
    channel: { $ref: '#/channels/commands' },
    messages: [onChannel('commands', 'command'), onChannel('commands', 'renew-certificate')],
  },
  receiveCertificateRequest: {
    action: 'receive',
    channel: { $ref: '#/channels/certificateRequest' },
    messages: [onChannel('certificateRequest', 'certificate-request')],
  },
  sendCertificate: {
    action: 'send',
    channel: { $ref: '#/channels/certificate' },
    messages: [onChannel('certificate', 'certificate')],
  },
  sendLive: { action: 'send', channel: { $ref: '#/channels/live' } },
  sendAlarmEvents: {
    action: 'send',
    channel: { $ref: '#/channels/alarmEvents' },
    messages: [onChannel('alarmEvents', 'alarm-event')],
  },
  sendSecurityAlertEvents: {
    action: 'send',
    channel: { $ref: '#/channels/securityAlertEvents' },
    messages: [onChannel('securityAlertEvents', 'security-alert-event')],
  },
};

const message = (summary: string, schema: string) => ({
  contentType: 'application/json',
  summary,
  payload: { $ref: `#/components/schemas/${schema}` },
});

const MESSAGES = {
  reading: message('What was measured at one moment', 'Reading'),
  status: message('Anything; only that it was sent counts', 'Anything'),
  config: message('Whatever the device’s maker defines', 'MakerDefined'),
  command: message('Whatever the device’s maker defines', 'MakerDefined'),
  'renew-certificate': message('Renew your certificate now', 'RenewCommand'),
  'certificate-request': {
    ...message('PKCS#10, DER or PEM', 'Anything'),
    contentType: 'application/pkcs10',
  },
  certificate: message('Issued, or refused and why', 'CertificateAnswer'),
  snapshot: message('Everything the reader may see: first, and after every reconnection or change of beds', 'Snapshot'),
  vitals: message('Once a second per ward: whole tiles of the patients that changed', 'Vitals'),
  alert: message('At once, whenever an alarm changes', 'AlertChange'),
  system: message('At once, whenever an alarm of the installation changes', 'SystemAlarmChange'),
  beat: message('Every 2 s', 'Beat'),
  'alarm-event': {
    ...message('Something happened to an alarm', 'AlarmEvent'),
    contentType: 'application/cloudevents+json',
  },
  'security-alert-event': {
    ...message('Something happened to a security alert', 'SecurityAlertEvent'),
    contentType: 'application/cloudevents+json',
  },
  'signed-out': message('The session ended; the last event', 'Beat'),
  overflow: message('The reader was too slow; the last event', 'Beat'),
};

function schemas(): Record<string, unknown> {
  const named = {
    Reading: WireReading,
    Snapshot: LiveSnapshot,
    Vitals: LiveVitals,
    AlertChange: LiveAlert,
    SystemAlarmChange: LiveSystemAlarm,
    Beat: LiveBeat,
    AlarmEvent,
    RenewCommand,
    CertificateAnswer,
    SecurityAlertEvent,
    Alert: AlertList.properties.alerts.items,
    MakerDefined: Type.Object({}, { additionalProperties: true }),
    Anything: {},
  };
  return Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, plain(schema, name)]));
}

/** Plain JSON Schema; a schema with an id of its own is referred to, not repeated. */
function plain(schema: unknown, name: string): unknown {
  const isShared = (value: object): value is { $id: string } => '$id' in value && value.$id === 'Alert';
  const walk = (value: unknown, isTop: boolean): unknown => {
    if (Array.isArray(value)) return value.map((one) => walk(one, false));
    if (typeof value !== 'object' || value === null) return value;
    if (!isTop && name !== 'Alert' && isShared(value)) return { $ref: '#/components/schemas/Alert' };
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== '$id')
        .map(([key, inner]) => [key, walk(inner, false)]),
    );
  };
  return walk(schema, true);
}
