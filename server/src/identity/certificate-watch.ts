import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RenewCommand } from '@healthsync/contracts/device-enrollment';
import { DEFAULT_TENANT, type DeviceId, type TenantId } from '../domain/ids.ts';
import { type Repeating, repeat } from '../pacing/repeating.ts';
import type { DeviceCertificate } from '../ports/registry.ts';
import type { SystemAlarm, SystemAlarms } from '../ports/system-alarms.ts';
import { renewalOf } from './device-renewal.ts';
import type { RegistryView } from './registry-view.ts';
import type { RenewalLink } from './renewal-by-message.ts';

interface ConnectedDevice {
  readonly deviceId: DeviceId;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Sees to it that devices renew in time, and rings where one that somebody wears did not manage to. */
export function watchCertificates(parts: {
  readonly view: () => RegistryView;
  readonly mqtt: {
    connectedWith(): Iterable<ConnectedDevice>;
    sendCommand(deviceId: DeviceId, payload: string): ReturnType<RenewalLink['askToRenew']>;
  };
  /** The number of the authority that signs. */
  readonly current: () => number;
  readonly endSuperseded: () => Promise<void>;
  readonly rereadAuthorities: () => Promise<void>;
  readonly systemAlarms: SystemAlarms & { open(): readonly SystemAlarm[] };
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
    await tellDue();
    await ringAboutEnding();
  }

  function isDue(peer: ConnectedDevice, nowMs: number): boolean {
    const { dueMs, overdueMs } = renewalOf(peer);
    // Whoever may have the old authority's key can make certificates of it: everybody changes over.
    const isOfOlder = (view().certificate(peer.serial)?.authority ?? 1) !== current();
    if (nowMs < dueMs && !isOfOlder) return false;
    const againMs = Math.max(AGAIN_LEAST_MS, (overdueMs - dueMs) / 4);
    return nowMs - (toldAtMs.get(peer.deviceId) ?? 0) >= againMs;
  }

  async function tellDue(): Promise<void> {
    const nowMs = now();
    let left = TELL_AT_ONCE_MAX;
    let looked = 0;
    for (const peer of mqtt.connectedWith()) {
      if (isDue(peer, nowMs)) {
        tell(peer.deviceId, peer.notAfterMs);
        if (--left === 0) return;
      }
      // Before the next is looked for: it may have left by then.
      if (++looked % LOOK_AT_ONCE_MAX === 0) await nextTurn();
    }
    for (const [deviceId, atMs] of toldAtMs) if (nowMs - atMs > FORGET_MS) toldAtMs.delete(deviceId);
  }

  async function ringAboutEnding(): Promise<void> {
    const nowMs = now();
    const ending = await endingCertificates(view(), nowMs);
    for (const [tenantId, ends] of ending) {
      const firstMs = ends.reduce((first, endMs) => Math.min(first, endMs));
      const [day] = new Date(firstMs).toISOString().split('T');
      systemAlarms.raise({
        tenantId,
        id: endingIdOf(tenantId),
        rule: ENDING,
        priority: firstMs - nowMs < DAY_MS ? 'medium' : 'low',
        text: `${ends.length === 1 ? 'A device that is worn has not renewed its certificate, which' : `${ends.length} devices that are worn have not renewed their certificates; the first`} ends on ${day}, and then it cannot send. See Devices.`,
      });
    }
    const ids = new Set([...ending.keys()].map(endingIdOf));
    // Also what was rung for before a restart.
    for (const { id, rule } of systemAlarms.open()) if (rule === ENDING && !ids.has(id)) systemAlarms.clear(id);
  }

  const rounds = repeat(look, { everyMs: EVERY_MS, asideMs: EVERY_MS / 5, onError });
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

/** When those of worn devices end that should have been renewed by now, for each organisation: told to it alone. */
async function endingCertificates(
  { snapshot, patientAt }: RegistryView,
  nowMs: number,
): Promise<ReadonlyMap<TenantId, readonly number[]>> {
  const ending = new Map<TenantId, number[]>();
  for (const [i, { id, certificates, tenantId = DEFAULT_TENANT }] of snapshot.devices.entries()) {
    if (i % LOOK_AT_ONCE_MAX === LOOK_AT_ONCE_MAX - 1) await nextTurn();
    // One in the store room is renewed when it comes out.
    if (patientAt(id, nowMs) === undefined) continue;
    const last = longestLasting(certificates);
    if (last === undefined || renewalOf(last).overdueMs > nowMs) continue;
    ending.set(tenantId, [...(ending.get(tenantId) ?? []), last.notAfterMs]);
  }
  return ending;
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
const endingIdOf = (tenantId: TenantId): string => `${ENDING}.${tenantId}`;
const EVERY_MS = 5_000;
const DAY_MS = 86_400_000;
/** Each renewal rereads the registry: ten thousand devices take half an hour over it. */
const TELL_AT_ONCE_MAX = 50;
/** Of ten thousand devices: to look at all of them at once would hold up every reading for some milliseconds. */
const LOOK_AT_ONCE_MAX = 200;
/** A device that is told and does nothing is told again, with patience. */
const AGAIN_LEAST_MS = 60_000;
const FORGET_MS = DAY_MS;
