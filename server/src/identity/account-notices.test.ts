import { beforeEach, describe, expect, it } from 'vitest';
import type { UserId } from '../domain/ids.ts';
import { systemWords } from '../domain/message-words.ts';
import type { Contact } from '../ports/contacts.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import { addressesGone, createAccountNotices } from './account-notices.ts';

const NOW = Date.parse('2026-11-22T03:00:00Z');
const NOOR = 'u-noor' as UserId;
const contact = (channel: string, address: string, verified = true): Contact => ({
  userId: NOOR,
  channel,
  address,
  verified,
});
const MAIL = contact('smtp', 'noor@hospital.example');

let ordered: { readonly alarm: SystemAlarm; readonly recipients: Parameters<Outbox['enqueueSystem']>[1] }[];
let isAway: boolean;
const errors: unknown[] = [];
beforeEach(() => {
  ordered = [];
  isAway = false;
});

/** Her own verified addresses, of whatever channel. */
const notices = (mailChannels = ['smtp'], own = [MAIL, contact('sms', '+49301234567')]) =>
  createAccountNotices({
    contacts: { of: async () => own },
    outbox: {
      enqueueSystem: async (alarm, recipients) => {
        if (isAway) throw new Error('away');
        ordered.push({ alarm, recipients });
        return recipients.length;
      },
    } satisfies Pick<Outbox, 'enqueueSystem'>,
    mailChannels,
    onError: (error) => void errors.push(error),
    now: () => NOW,
  });

describe('a change of an account', () => {
  it('is told to its owner by mail, and by nothing else', async () => {
    await notices()(NOOR, 'factor-added');
    expect(ordered.map(({ recipients }) => recipients)).toEqual([
      [{ channel: 'smtp', recipient: 'noor@hospital.example', userId: NOOR }],
    ]);
  });

  it('says what and when, what to do, and nothing of the account', async () => {
    await notices()(NOOR, 'password');
    const { subject, text } = systemWords(ordered[0]?.alarm ?? expect.fail('nobody was told'), 'https://ward.example/');
    expect(subject).toBe('HealthSync: your account was changed');
    expect(text).toContain('Your password was changed.');
    expect(text).toContain('It was 2026-11-22T03:00:00.000Z.');
    expect(text).toContain('If it was not you');
    expect(text).not.toMatch(/noor|alarm/i);
    await notices()(NOOR, 'guessed-at');
    expect(ordered[1]?.alarm.subject).toBe('HealthSync: somebody tried to sign in as you');
  });

  it('is told where an address is no longer theirs, too: that may be all that its owner has', async () => {
    const gone = addressesGone(
      [MAIL, contact('smtp', 'old@hospital.example'), contact('smtp', 'typo@hospital.exmaple', false)],
      [MAIL],
    );
    await notices()(NOOR, 'address', gone);
    expect(ordered[0]?.recipients.map(({ recipient }) => recipient)).toEqual([
      'noor@hospital.example',
      'old@hospital.example',
    ]);
  });

  it('is told to nobody where no mail server is set', async () => {
    await notices([])(NOOR, 'password');
    expect(ordered).toEqual([]);
  });

  it('stands also where it could not be told, and that is said', async () => {
    isAway = true;
    await notices()(NOOR, 'password');
    expect(errors).toHaveLength(1);
  });
});
