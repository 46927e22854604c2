import type { Notification } from '../../ports/notifier.ts';

/**
 * The message as an activity of the Bot Framework with one Adaptive Card (adaptivecards.io/explorer; Teams shows up to
 * version 1.5, and Action.Execute needs 1.4). All words are `TextRun`s, which know no markup: a bed called
 * `[here](https://…)` is no link.
 */
export function teamsActivity(message: Notification, idempotencyKey: string) {
  const { subject, event, alarm } = message;
  return {
    type: 'message',
    // What the notification on a phone says of a card.
    summary: cut(subject, LINE_MAX),
    importance: alarm?.priority === 'high' && !CLOSED.has(event) ? 'high' : 'normal',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: teamsCard(message, idempotencyKey, answerOf(message)),
      },
    ],
    // Teams shows it in the feed and on the lock screen, not only in the chat.
    ...(CLOSED.has(event) ? {} : { channelData: { notification: { alert: true } } }),
  };
}

/** What becomes of an older card about the same alarm when the alarm is told again. */
export function supersededActivity({ subject }: Notification) {
  const content = {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.5',
    body: [line(`Told again below: ${subject}`)],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
}

export function teamsCard(message: Notification, idempotencyKey: string, answers: readonly object[]) {
  const { subject, text, event, alarm, wallUrl } = message;
  const open = wallUrl === undefined ? [] : [{ type: 'Action.OpenUrl', title: 'Open', url: wallUrl }];
  const actions = [...answers, ...open];
  return {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.5',
    body: [
      line(subject, {
        // The delivery's own key: not shown, and found again in what Teams keeps.
        id: cut(idempotencyKey, LINE_MAX),
        run: {
          size: 'Large',
          weight: 'Bolder',
          color: CLOSED.has(event) ? 'Good' : COLOURS[alarm?.priority ?? 'none'],
        },
      }),
      ...linesOf(subject, text).map((one) => line(one)),
    ],
    ...(actions.length === 0 ? {} : { actions }),
  };
}

const CLOSED: ReadonlySet<Notification['event']> = new Set(['acknowledged', 'resolved']);

/** Besides the word in the subject (IEC 60601-1-8 §6.3.2.2: not by colour alone). */
const COLOURS = { high: 'Attention', medium: 'Warning', low: 'Accent', none: 'Default' } as const;

/** The press comes back with `data` as it is here; the subject is in it so that the card can be shown again. */
function answerOf({ answerToken, subject, event }: Notification): readonly object[] {
  if (answerToken === undefined || CLOSED.has(event)) return [];
  const data = { answerToken, subject: cut(subject, LINE_MAX) };
  return [{ type: 'Action.Execute', title: 'Acknowledge', verb: 'healthsync/acknowledge', style: 'positive', data }];
}

/** Teams refuses a message above 28 KB; these bounds are well below, also in bytes. */
const LINE_MAX = 200;
const LINES_MAX = 20;

function linesOf(subject: string, text: string): readonly string[] {
  const rest = text.startsWith(subject) ? text.slice(subject.length) : text;
  return rest
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .slice(0, LINES_MAX);
}

function line(text: string, options: { readonly id?: string; readonly run?: object } = {}) {
  const { id, run = {} } = options;
  return {
    type: 'RichTextBlock',
    ...(id === undefined ? {} : { id }),
    inlines: [{ type: 'TextRun', text: cut(text, LINE_MAX), ...run }],
  };
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}
