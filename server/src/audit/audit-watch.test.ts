import { describe, expect, it } from 'vitest';
import { Failure } from '../ports/failure.ts';
import { createAuditWatch } from './audit-watch.ts';

const HOUR_MS = 3_600_000;
const check = { atMs: 0, size: 9, findings: 0, wholeAtMs: 0 };
const away = new Failure('database-unavailable', 'away', { retryable: true });

function watching() {
  const clock = { ms: 0 };
  const watch = createAuditWatch({ now: () => clock.ms, uncheckedAfterMs: 48 * HOUR_MS });
  const ringing = new Map<string, string>();
  const desk = {
    raise: ({ id, priority }: { readonly id: string; readonly priority: string }) => void ringing.set(id, priority),
    clear: (id: string) => void ringing.delete(id),
  };
  return { watch, clock, ringing, desk };
}

describe('the watch over the audit log', () => {
  it('rings high for what is not as it was signed, also for what was found before anybody could hear it', () => {
    const { watch, ringing, desk } = watching();
    watch.diverged('not-as-signed');
    watch.ringAt(desk);
    expect([...ringing]).toEqual([['audit.broken', 'high']]);
    expect([watch.isBroken(), watch.divergences()]).toEqual([true, ['not-as-signed']]);
  });

  it('is quiet again when all of it was looked at and is well, and not when only what is new is', () => {
    const { watch, ringing, desk } = watching();
    watch.ringAt(desk);
    watch.checked({ ...check, findings: 1 }, true);
    expect(ringing.has('audit.broken')).toBe(true);
    watch.checked(check, false);
    expect(ringing.has('audit.broken')).toBe(true);
    watch.checked(check, true);
    expect([...ringing.keys()]).toEqual([]);
  });

  it('does not take back what the writer saw with its own eyes because a later look found nothing', () => {
    const { watch, ringing, desk } = watching();
    watch.ringAt(desk);
    watch.diverged('not-as-before');
    watch.checked(check, true);
    expect([watch.isBroken(), ringing.has('audit.broken')]).toEqual([true, true]);
  });

  it('rings for entries that were altered while they waited, and shows it for days, also after a restart', () => {
    const { watch, clock, ringing, desk } = watching();
    watch.heldAltered(0);
    watch.ringAt(desk);
    expect([...ringing]).toEqual([['audit.held-altered', 'high']]);
    watch.checked(check, true);
    expect([watch.isBroken(), watch.divergences(), [...ringing.keys()]]).toEqual([
      true,
      ['held-altered'],
      ['audit.held-altered'],
    ]);
    const restarted = watching();
    restarted.watch.ringAt(restarted.desk);
    restarted.clock.ms = 24 * HOUR_MS;
    restarted.watch.heldAltered(0, true);
    expect([restarted.watch.divergences(), restarted.ringing.size]).toEqual([['held-altered'], 0]);
    clock.ms = 73 * HOUR_MS;
    expect([watch.isBroken(), watch.divergences()]).toEqual([false, []]);
  });

  it('rings when nothing can be written for ten seconds, until something can', () => {
    const { watch, clock, ringing, desk } = watching();
    watch.ringAt(desk);
    watch.wrote('failed');
    clock.ms = 9_999;
    watch.wrote('failed');
    expect(ringing.size).toBe(0);
    clock.ms = 10_000;
    watch.wrote('failed');
    expect([...ringing]).toEqual([['audit.unwritable', 'high']]);
    watch.wrote('written');
    expect(ringing.size).toBe(0);
  });

  it('rings when it cannot be verified: at once where it never will be, after days where the database is away', () => {
    const { watch, clock, ringing, desk } = watching();
    watch.ringAt(desk);
    watch.checked(check, true);
    watch.notChecked(away, check);
    expect(ringing.size).toBe(0);
    clock.ms = 49 * HOUR_MS;
    watch.notChecked(away, check);
    expect([...ringing]).toEqual([['audit.unverified', 'high']]);
    watch.checked(check, true);
    watch.notChecked(new Failure('database-rejected', 'no', { retryable: false }), check);
    expect([...ringing]).toEqual([['audit.unverified', 'high']]);
  });

  it('rings when a security system has had nothing for an hour, until it has all again', () => {
    const { watch, clock, ringing, desk } = watching();
    watch.ringAt(desk);
    const failing = { name: 'siem:json', position: 1, atMs: 0, failingSinceMs: 1, failure: 'Error' };
    clock.ms = 3_600_000;
    watch.followed([failing]);
    expect(ringing.size).toBe(0);
    clock.ms = 3_600_002;
    watch.followed([failing, { name: 'access-watch', position: 1, atMs: 0, failingSinceMs: 1 }]);
    expect([...ringing]).toEqual([['audit.siem:json', 'medium']]);
    watch.followed([{ name: 'siem:json', position: 9, atMs: 3_600_002 }]);
    expect(ringing.size).toBe(0);
  });

  it('rings when heads are kept nowhere outside for hours', () => {
    const { watch, clock, ringing, desk } = watching();
    watch.ringAt(desk);
    const failing = { name: 'anchor:witness', position: 1, atMs: 0, failingSinceMs: 1, failure: 'Error' };
    watch.followed([failing, { name: 'siem:json', position: 1, atMs: 0, failingSinceMs: 1 }]);
    expect(ringing.size).toBe(0);
    clock.ms = 7 * HOUR_MS;
    watch.followed([failing]);
    expect([...ringing]).toEqual([['audit.anchor:witness', 'medium']]);
    watch.followed([{ name: 'anchor:witness', position: 2, atMs: 0 }]);
    expect(ringing.size).toBe(0);
  });
});
