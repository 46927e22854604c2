import { describe, expect, it } from 'vitest';
import { createSmtpNotifier } from '../../adapters/notify/smtp.ts';
import { startMailServer } from '../../adapters/notify/test-mail-server.ts';
import type { Alarm } from '../../domain/alarm.ts';
import type { AlarmId, PatientId } from '../../domain/ids.ts';
import { wordsOf } from '../../domain/message-words.ts';
import type { TrendPoint } from '../../ports/vitals-history.ts';
import { createRichMail } from './rich-mail.ts';

const NOW = Date.parse('2026-11-22T03:10:00Z');
const alarm = {
  id: 'a1' as AlarmId,
  patientId: 'P1' as PatientId,
  priority: 'high',
  kind: 'physiological',
  rule: 'spo2.below.high',
  cause: { vital: 'spo2', value: 82, comparison: 'below', limit: 85, text: 'SpO₂ 82 < 85' },
  raisedAtMs: NOW - 60_000,
} as unknown as Alarm;
const POINTS: readonly TrendPoint[] = Array.from({ length: 60 }, (_, minute) => {
  const value = 97 - minute / 4;
  return { atMs: NOW - (60 - minute) * 60_000, mean: value, min: value, max: value };
});

function made(points: readonly TrendPoint[] = POINTS, change: Partial<Alarm> = {}) {
  const asked: unknown[] = [];
  const richMail = createRichMail({
    history: {
      trend: async (query) => {
        asked.push(query);
        return points;
      },
    },
    now: () => NOW,
  });
  const about = { ...alarm, ...change };
  const facts = {
    event: 'raised' as const,
    alarm: about,
    bed: 'W3-01',
    patientName: 'Ada <Lovelace> & "son"',
    wallUrl: 'https://ward.example/?a=1&b=2',
  };
  const words = wordsOf(facts, 'rich');
  return { asked, words, rich: richMail(facts, about, words) };
}

describe('a rich mail', () => {
  it('says the words of the message, shows the last hour, and says in words what the picture shows', async () => {
    const { rich, asked } = made();
    const { html = '', images = [] } = (await rich) ?? {};
    expect(asked).toEqual([
      { patientId: 'P1', vital: 'spo2', fromMs: NOW - 3_600_000, toMs: NOW, buckets: expect.any(Number) },
    ]);
    expect(html).toContain('High alarm, bed W3-01');
    expect(html).toContain('SpO₂ 82 &#60; 85.');
    expect(html).toContain(`src="cid:${images[0]?.cid}"`);
    expect(images[0]?.alt).toBe('SpO2 %: 82 to 97, last 82, limit 85');
    expect(
      Buffer.from(images[0]?.png ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });
  it('escapes everything, fetches nothing, and links to the wall alone', async () => {
    const { html = '' } = (await made().rich) ?? {};
    expect(html).toContain('Ada &#60;Lovelace&#62; &#38; &#34;son&#34;');
    expect(html).not.toContain('<Lovelace>');
    expect([...html.matchAll(/(?:src|href|url)\s*[=(]\s*"?([^"\s>)]+)/g)].map(([, target]) => target)).toEqual([
      'cid:trend@healthsync',
      'https://ward.example/?a=1&#38;b=2',
    ]);
    expect(html).not.toMatch(/<script|<link|<iframe|@import/i);
  });
  it('an alarm that has stood for long is shown from before it began', async () => {
    const { asked } = made(POINTS, { raisedAtMs: NOW - 3 * 3_600_000 });
    expect(asked).toMatchObject([{ fromMs: NOW - 3.5 * 3_600_000, toMs: NOW }]);
  });
  it('where there is nothing to draw the text says it all', async () => {
    expect(await made([]).rich).toBeUndefined();
    expect(await made(POINTS, { cause: { text: 'NO DATA' } }).rich).toBeUndefined();
  });
  it('passes a strict mail server as one mail with its picture inside', async () => {
    const server = await startMailServer();
    const notifier = createSmtpNotifier(server.settings);
    try {
      const { words, rich } = made();
      const content = await rich;
      const outcome = await notifier.send(
        {
          ...words,
          recipient: 'nurse@ward.example',
          event: 'raised',
          ...(content === undefined ? {} : { rich: content }),
        },
        { idempotencyKey: 'k', signal: AbortSignal.timeout(10_000) },
      );
      expect(outcome.kind).toBe('delivered');
      expect(server.refused).toEqual([]);
      expect(server.mails[0]).toMatch(/^Content-Id: <trend@healthsync>/im);
      expect(server.mails[0]).toMatch(/^Content-Type: image\/png/im);
    } finally {
      notifier.close();
      await server.close();
    }
  });
});
