import type { RenewCommand } from '@healthsync/contracts/device-enrollment';
import type { DeviceId } from '../domain/ids.ts';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { DeviceCertificate } from '../ports/registry.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { renewalOf } from './device-renewal.ts';
import type { RegistryView } from './registry-view.ts';
import type { RenewalLink } from './renewal-by-message.ts';

/** Sees to it that devices renew in time, and rings where one that somebody wears did not manage to. */
export function watchCertificates(parts: {
  readonly view: () => RegistryView;
  readonly mqtt: {
    connectedWith(): readonly {
      readonly deviceId: DeviceId;
      readonly serial: string;
      readonly notBeforeMs: number;
      readonly notAfterMs: number;
    }[];
    sendCommand(deviceId: DeviceId, payload: string): ReturnType<RenewalLink['askToRenew']>;
  };
  /** The number of the authority that signs. */
  readonly current: () => number;
  readonly endSuperseded: () => Promise<void>;
  readonly rereadAuthorities: () => Promise<void>;
  readonly systemAlarms: SystemAlarms;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): Repeating & { readonly link: RenewalLink } {
  const { view, mqtt, current, systemAlarms, now, onError } = parts;
  const toldAtMs = new Map<DeviceId, number>();

  function tell(deviceId: DeviceId, notAfterMs: number) {
    toldAtMs.set(deviceId, now());
    const command: RenewCommand = { command: 'renew-certificate', notAfter: new Date(notAfterMs).toISOString() };
    return mqtt.sendCommand(deviceId, JSON.stringify(command));
  }

  async function look(): Promise<void> {
    await parts.rereadAuthorities().catch(onError);
    await parts.endSuperseded().catch(onError);
    tellDue();
    ringAboutEnding();
  }

  function tellDue(): void {
    const nowMs = now();
    let left = TELL_AT_ONCE_MAX;
    for (const peer of mqtt.connectedWith()) {
      const { dueMs, overdueMs } = renewalOf(peer);
      // Whoever may have the old authority's key can make certificates of it: everybody changes over.
      const isOfOlder = (view().certificate(peer.serial)?.authority ?? 1) !== current();
      if (nowMs < dueMs && !isOfOlder) continue;
      const againMs = Math.max(AGAIN_LEAST_MS, (overdueMs - dueMs) / 4);
      if (nowMs - (toldAtMs.get(peer.deviceId) ?? 0) < againMs) continue;
      tell(peer.deviceId, peer.notAfterMs);
      if (--left === 0) return;
    }
    for (const [deviceId, atMs] of toldAtMs) if (nowMs - atMs > FORGET_MS) toldAtMs.delete(deviceId);
  }

  function ringAboutEnding(): void {
    const nowMs = now();
    const ending = view().snapshot.devices.flatMap(({ id, certificates }) => {
      // One in the store room is renewed when it comes out.
      if (view().patientAt(id, nowMs) === undefined) return [];
      const last = longestLasting(certificates);
      return last !== undefined && renewalOf(last).overdueMs <= nowMs ? [last.notAfterMs] : [];
    });
    if (ending.length === 0) {
      systemAlarms.clear(ENDING);
      return;
    }
    const firstMs = Math.min(...ending);
    const [day] = new Date(firstMs).toISOString().split('T');
    systemAlarms.raise({
      id: ENDING,
      rule: ENDING,
      priority: firstMs - nowMs < DAY_MS ? 'medium' : 'low',
      text: `${ending.length === 1 ? 'A device that is worn has' : `${ending.length} devices that are worn have`} not renewed their certificate; the first ends on ${day}, and then it cannot send. See Devices.`,
    });
  }

  const rounds = repeat(look, { everyMs: EVERY_MS, onError });
  return {
    ...rounds,
    link: {
      askToRenew(deviceId) {
        const own = view().device(deviceId)?.certificates ?? [];
        return tell(deviceId, longestLasting(own)?.notAfterMs ?? now());
      },
    },
  };
}

/** Of those that were not revoked. */
function longestLasting(certificates: readonly DeviceCertificate[]): DeviceCertificate | undefined {
  return certificates
    .filter(({ revokedAtMs }) => revokedAtMs === undefined)
    .reduce<DeviceCertificate | undefined>(
      (best, one) => (best === undefined || one.notAfterMs > best.notAfterMs ? one : best),
      undefined,
    );
}

const ENDING = 'device.certificates-ending';
const EVERY_MS = 5_000;
const DAY_MS = 86_400_000;
/** Each renewal rereads the registry: ten thousand devices take half an hour over it. */
const TELL_AT_ONCE_MAX = 50;
/** A device that is told and does nothing is told again, with patience. */
const AGAIN_LEAST_MS = 60_000;
const FORGET_MS = DAY_MS;
