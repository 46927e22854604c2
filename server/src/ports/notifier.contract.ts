import { afterEach, describe, expect, it } from 'vitest';
import { NOTIFICATION_EVENTS } from '../domain/channel.ts';
import type { DeliveryOutcome, Notification, Notifier } from './notifier.ts';

/** A real other side, whose behaviour the suite sets, and what it received. */
export interface NotifierBench {
  readonly notifier: Notifier;
  /** One it accepts. */
  readonly recipient: string;
  behave(as: NotifierBehaviour): void;
  /** The accepted messages: everything of them as text, and the key that marks duplicates. */
  received(): readonly { readonly content: string; readonly idempotencyKey: string }[];
  /** What `limited` asks to wait; absent where the protocol has no way to say so. */
  readonly retryAfterMs?: number;
  /** The other side, or the notifier, drops a message whose key it has seen: it is received once. */
  readonly suppressesDuplicates?: true;
  /** The channel has no place for a subject: the text alone, whose first line the subject is, must arrive. */
  readonly sendsTextOnly?: true;
  /** Tokens, passwords, secret paths: must never be in an outcome. */
  readonly secrets?: readonly string[];
  /** The other side is gone. */
  disconnect(): Promise<void>;
  close(): Promise<void>;
}

/** `busy`: an error that passes. `limited`: too many, come back later. `refuse`: no, for good. `silent`: no answer. */
export type NotifierBehaviour = 'accept' | 'busy' | 'limited' | 'refuse' | 'silent';

const MESSAGE = {
  subject: 'High alarm, bed W3-01',
  text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
  fields: { change: 'raised', priority: 'high', kind: 'physiological', bed: 'W3-01', alarmId: 'a1' },
  event: 'raised',
  alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: Date.UTC(2026, 10, 22, 3, 4, 5) },
  answerToken: 'not-to-be-guessed-0123456789abcdef',
} satisfies Omit<Notification, 'recipient'>;

/** What every channel must do. */
export function notifierContract(name: string, openBench: () => Promise<NotifierBench>): void {
  describe(`${name}: the notifier contract`, () => {
    let bench: NotifierBench | undefined;
    const open = async (): Promise<NotifierBench> => {
      bench = await openBench();
      return bench;
    };
    const send = ({ notifier, recipient }: NotifierBench, key = 'delivery-1', timeoutMs = 20_000) =>
      notifier.send({ ...MESSAGE, recipient }, { idempotencyKey: key, signal: AbortSignal.timeout(timeoutMs) });
    /** Whatever is answered may be shown and logged. */
    const expectSafe = ({ recipient, secrets = [] }: NotifierBench, outcome: DeliveryOutcome) => {
      const shown = JSON.stringify(outcome);
      for (const secret of [recipient, MESSAGE.answerToken, ...secrets]) expect(shown).not.toContain(secret);
    };
    afterEach(async () => {
      await bench?.close();
      bench = undefined;
    });

    it('delivers the subject and the text to a real receiver', async () => {
      const opened = await open();
      expect(await send(opened)).toMatchObject({ kind: 'delivered' });
      const [received] = opened.received();
      if (!opened.sendsTextOnly) expect(received?.content).toContain(MESSAGE.subject);
      expect(received?.content).toContain('Raised 2026-11-22T03:04:05.000Z.');
    });

    it('marks every attempt of one delivery with the same key, and another with another', async () => {
      const opened = await open();
      await send(opened);
      await send(opened);
      await send(opened, 'delivery-2');
      const keys = opened.received().map(({ idempotencyKey }) => idempotencyKey);
      if (opened.suppressesDuplicates) expect(keys).toHaveLength(2);
      else {
        expect(keys).toHaveLength(3);
        expect(keys[0]).toBe(keys[1]);
      }
      expect(keys.at(-1)).not.toBe(keys[0]);
      expect(keys[0]).toContain('delivery-1');
    });

    it('a receiver that is busy makes it transient', async () => {
      const opened = await open();
      opened.behave('busy');
      expect(await send(opened)).toMatchObject({ kind: 'transient' });
      opened.behave('accept');
      expect(await send(opened)).toMatchObject({ kind: 'delivered' });
    });

    it('a receiver that refuses makes it permanent, and the reason names nobody', async () => {
      const opened = await open();
      opened.behave('refuse');
      const outcome = await send(opened);
      expect(outcome).toMatchObject({ kind: 'permanent' });
      expectSafe(opened, outcome);
      expect(opened.received()).toEqual([]);
    });

    it('a receiver that says when to come back is taken at its word', async () => {
      const opened = await open();
      if (opened.retryAfterMs === undefined) return;
      opened.behave('limited');
      const outcome = await send(opened);
      expect(outcome).toMatchObject({ kind: 'transient', retryAfterMs: opened.retryAfterMs });
      expectSafe(opened, outcome);
      expect(opened.received()).toEqual([]);
      opened.behave('accept');
      expect(await send(opened)).toMatchObject({ kind: 'delivered' });
    });

    it('a receiver that never answers is given up when the signal says so', async () => {
      const opened = await open();
      opened.behave('silent');
      const outcome = await send(opened, 'delivery-1', 300);
      expect(outcome).toMatchObject({ kind: 'transient' });
      expectSafe(opened, outcome);
    });

    it('nothing leaves after the signal has been given', async () => {
      const opened = await open();
      const signal = AbortSignal.abort();
      const outcome = await opened.notifier.send(
        { ...MESSAGE, recipient: opened.recipient },
        { idempotencyKey: 'delivery-1', signal },
      );
      expect(outcome).toMatchObject({ kind: 'transient' });
      expect(opened.received()).toEqual([]);
    });

    it('a receiver that is gone makes it transient, not an exception', async () => {
      const opened = await open();
      await opened.disconnect();
      const outcome = await send(opened);
      expect(outcome).toMatchObject({ kind: 'transient' });
      expectSafe(opened, outcome);
    });

    it('tells every kind of event, with an alarm and without', async () => {
      const opened = await open();
      const { alarm: _, answerToken: __, ...plain } = MESSAGE;
      for (const event of NOTIFICATION_EVENTS) {
        const isAboutNone = event === 'test' || event === 'verification' || event === 'summary';
        const message = { ...(isAboutNone ? plain : MESSAGE), event, recipient: opened.recipient };
        const signal = AbortSignal.timeout(20_000);
        const outcome = await opened.notifier.send(message, { idempotencyKey: `delivery-${event}`, signal });
        expect([event, outcome.kind]).toEqual([event, 'delivered']);
        expect(outcome.kind === 'delivered' ? (outcome.receipt?.length ?? 0) : 0).toBeLessThanOrEqual(500);
      }
    });
  });
}
