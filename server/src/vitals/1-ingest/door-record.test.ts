import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import type { DeviceId } from '../../domain/ids.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { DoorSeen } from '../../ports/door-seen.ts';
import { createDoorRecord } from './door-record.ts';

const HOUR_MS = 3_600_000;
const monitor = (n: number): DoorSeen => ({ transport: 'mqtt', what: 'connected', deviceId: `m-${n}` as DeviceId });
const stranger: DoorSeen = { transport: 'mqtt', what: 'refused', reason: 'unknown-device', address: '::ffff:10.0.0.9' };

function start(bounds: Parameters<typeof createDoorRecord>[0]['bounds'] = {}) {
  const written: AuditEntry[] = [];
  const clock = { ms: 0, isAway: false };
  const audit: AuditLog = {
    async append(entries) {
      if (clock.isAway) throw new Error('away');
      written.push(...entries);
      return [];
    },
  };
  const record = createDoorRecord({
    audit,
    now: () => clock.ms,
    onError: () => undefined,
    bounds: { flushEveryMs: 1, ...bounds },
  });
  return { record, written, clock };
}

describe('who was at the door', () => {
  it('is written down at once, and what comes again within the hour as one entry that counts it', async () => {
    const { record, written, clock } = start();
    record.seen(monitor(1));
    record.seen(stranger);
    for (let i = 0; i < 40; i++) record.seen(monitor(1));
    await expect.poll(() => written.length).toBe(2);
    clock.ms = HOUR_MS;
    await expect.poll(() => written.length).toBe(3);
    record.seen(monitor(1));
    await record.stop();
    expect(written.map(({ actor: { name }, outcome, detail: { times } = {} }) => [name, outcome, times])).toEqual([
      ['m-1', 'allowed', undefined],
      ['?', 'denied', undefined],
      ['m-1', 'allowed', 40],
      ['m-1', 'allowed', undefined],
    ]);
    expect(written[1]).toMatchObject({ actor: { address: '10.0.0.9' }, detail: { reason: 'unknown-device' } });
  });

  it('is written down later where the log could not be written', async () => {
    const { record, written, clock } = start();
    clock.isAway = true;
    record.seen(stranger);
    clock.isAway = false;
    await record.stop();
    expect(written).toHaveLength(1);
  });

  it('is counted by reason alone beyond so many at once', async () => {
    const { record, written } = start({ seenMax: 3 });
    for (let n = 0; n < 10; n++) record.seen(monitor(n));
    await record.stop();
    expect(written.map(({ actor: { name }, detail: { times } = {} }) => [name, times])).toEqual([
      ['m-0', undefined],
      ['m-1', undefined],
      ['m-2', undefined],
      ['?', undefined],
      ['?', 6],
    ]);
  });
});
