import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryAccounts } from '../adapters/memory/memory-accounts.ts';
import type { UserId } from '../domain/ids.ts';
import { systemWords } from '../domain/message-words.ts';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import { createAccountMail } from './account-notices.ts';
import { tellOfKeyEnds } from './key-end-watch.ts';

const DAY_MS = 86_400_000;
const MADE = Date.parse('2026-11-01T08:00:00Z');
const NOOR = 'u-noor' as UserId;

let told: { readonly alarm: SystemAlarm; readonly to: readonly string[] }[];
let nowMs: number;
let isAway: boolean;
let accounts: ReturnType<typeof createMemoryAccounts>;
const errors: unknown[] = [];

beforeEach(async () => {
  [told, nowMs, isAway] = [[], MADE, false];
  accounts = createMemoryAccounts();
  await accounts.putUser({ id: NOOR, name: 'noor', displayName: 'Noor B.', roles: ['nurse'], wardIds: [] });
});

const addKey = (sha256: string, days: number) =>
  accounts.addToken({
    ...{ sha256, kind: 'api', userId: NOOR, createdAtMs: MADE, label: 'nightly export' },
    ...{ idleExpiresAtMs: MADE + days * DAY_MS, expiresAtMs: MADE + days * DAY_MS },
  });

/** A server's round, so many days after the keys were made. What is ordered twice under one id is told once, as the outbox has it. */
async function look(day: number): Promise<void> {
  nowMs = MADE + day * DAY_MS;
  const parts = { accounts, now: () => nowMs, onError: (error: unknown) => void errors.push(error) };
  const mail = createAccountMail({
    contacts: { of: async () => [{ userId: NOOR, channel: 'smtp', address: 'noor@hospital.example', verified: true }] },
    outbox: {
      enqueueSystem: async (alarm, recipients) => {
        if (isAway) throw new Error('away');
        if (told.some((one) => one.alarm.id === alarm.id && one.alarm.raisedAtMs === alarm.raisedAtMs)) return 0;
        told.push({ alarm, to: recipients.map(({ recipient }) => recipient) });
        return recipients.length;
      },
    },
    mailChannels: ['smtp'],
    now: parts.now,
  });
  await tellOfKeyEnds({ ...parts, mail });
}

describe('the owner of a key', () => {
  it('hears of its end fourteen days before and three days before, each once', async () => {
    await addKey('k', 30);
    const heard: number[] = [];
    for (let day = 0; day <= 30; day++) {
      const before = told.length;
      await look(day);
      if (told.length > before) heard.push(30 - day);
    }
    expect(heard).toEqual([14, 3]);
    expect(told.map(({ to }) => to)).toEqual([['noor@hospital.example'], ['noor@hospital.example']]);
  });

  it('is told when it ends and what to do, and nothing of the key', async () => {
    await addKey('4ac8e7', 30);
    await look(16);
    const { subject, text } = systemWords(told[0]?.alarm ?? expect.fail('nobody was told'));
    expect(subject).toBe('HealthSync: a key of yours ends soon');
    expect(text).toContain('made on 2026-11-01 ends on 2026-12-01');
    expect(text).not.toMatch(/noor|nightly|4ac8e7/i);
  });

  it('hears of three days alone where nothing ran before, or the key was for a week', async () => {
    await addKey('long', 30);
    await look(28);
    await look(29);
    expect(told).toHaveLength(1);
    await addKey('week', 7);
    await addKey('day', 1);
    await look(0);
    expect(told).toHaveLength(1);
    await look(4);
    expect(told).toHaveLength(2);
  });

  it('hears of it later where it could not be ordered, and not of a key that was ended', async () => {
    await addKey('k', 30);
    await addKey('ended', 30);
    await accounts.revokeToken('ended', MADE + DAY_MS);
    isAway = true;
    await look(16);
    expect([told.length, errors.length]).toEqual([0, 1]);
    isAway = false;
    await look(17);
    expect(told).toHaveLength(1);
  });

  it('hears of it once from two servers that look at the same moment', async () => {
    await addKey('k', 30);
    await Promise.all([look(16), look(16)]);
    expect(told).toHaveLength(1);
  });
});
