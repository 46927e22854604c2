import { afterEach, describe, expect, it } from 'vitest';
import type { Notification, Notifier } from './notifier.ts';

/** A real other side, whose behaviour the suite sets, and what it received. */
export interface NotifierBench {
  readonly notifier: Notifier;
  /** One it accepts. */
  readonly recipient: string;
  behave(as: 'accept' | 'busy' | 'refuse' | 'silent'): void;
  /** The accepted messages: everything of them as text, and the key that marks duplicates. */
  received(): readonly { readonly content: string; readonly idempotencyKey: string }[];
  /** The other side is gone. */
  disconnect(): Promise<void>;
  close(): Promise<void>;
}

const MESSAGE = {
  subject: 'High alarm, bed W3-01',
  text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
  fields: { change: 'raised', priority: 'high', kind: 'physiological', bed: 'W3-01', alarmId: 'a1' },
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
    afterEach(async () => {
      await bench?.close();
      bench = undefined;
    });

    it('delivers the subject and the text to a real receiver', async () => {
      const opened = await open();
      expect(await send(opened)).toMatchObject({ kind: 'delivered' });
      const [received] = opened.received();
      expect(received?.content).toContain(MESSAGE.subject);
      expect(received?.content).toContain('Raised 2026-11-22T03:04:05.000Z.');
    });

    it('marks every attempt of one delivery with the same key, and another with another', async () => {
      const opened = await open();
      await send(opened);
      await send(opened);
      await send(opened, 'delivery-2');
      const keys = opened.received().map(({ idempotencyKey }) => idempotencyKey);
      expect(keys).toHaveLength(3);
      expect(keys[0]).toBe(keys[1]);
      expect(keys[2]).not.toBe(keys[0]);
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
      expect(JSON.stringify(outcome)).not.toContain(opened.recipient);
      expect(opened.received()).toEqual([]);
    });

    it('a receiver that never answers is given up when the signal says so', async () => {
      const opened = await open();
      opened.behave('silent');
      expect(await send(opened, 'delivery-1', 300)).toMatchObject({ kind: 'transient' });
    });

    it('a receiver that is gone makes it transient, not an exception', async () => {
      const opened = await open();
      await opened.disconnect();
      expect(await send(opened)).toMatchObject({ kind: 'transient' });
    });
  });
}
