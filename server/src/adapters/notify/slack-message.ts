import type { Notification } from '../../ports/notifier.ts';

/** The id of the button whose `value` is the answer token; `serve/hooks/slack.ts` listens for it. */
const ACKNOWLEDGE_ACTION = 'healthsync_acknowledge';

/**
 * The message in Block Kit (docs.slack.dev/reference/block-kit/blocks). Everything of ours is `plain_text`: a bed called
 * `<!channel>` calls nobody.
 */
export function slackMessage({ subject, text, event, alarm, answerToken, wallUrl }: Notification) {
  const isOpen = !CLOSED.has(event);
  const buttons = [
    ...(answerToken === undefined || !isOpen || answerToken.length > VALUE_MAX ? [] : [acknowledgeButton(answerToken)]),
    ...(wallUrl === undefined || wallUrl.length > URL_MAX ? [] : [openButton(wallUrl)]),
  ];
  return {
    // Shown in Slack's own notification, and read aloud; formatted even where the blocks are not.
    text: escaped(cut(subject, FALLBACK_MAX)),
    parse: 'none',
    link_names: false,
    blocks: [
      { type: 'header', text: plain(`${isOpen ? MARKS[alarm?.priority ?? 'none'] : '✅ '}${subject}`, HEADER_MAX) },
      { type: 'section', text: plain(text, SECTION_MAX) },
      ...(buttons.length === 0 ? [] : [{ type: 'actions', elements: buttons }]),
    ],
  };
}

/** What becomes of an older message about the same alarm when the alarm is told again. */
export function supersededMessage({ subject }: Notification) {
  const text = cut(`Told again below: ${subject}`, FALLBACK_MAX);
  return { text: escaped(text), blocks: [{ type: 'section', text: plain(text, SECTION_MAX) }] };
}

const CLOSED: ReadonlySet<Notification['event']> = new Set(['acknowledged', 'resolved']);

/** Shape and word besides colour (IEC 60601-1-8 §6.3.2.2: not by colour alone); the priority is also in the subject. */
const MARKS = { high: '🔴 ', medium: '🟡 ', low: '🔵 ', none: '' } as const;

/** docs.slack.dev/reference/block-kit: header 150, section 3,000, button value 2,000, button url 3,000 characters. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;
const VALUE_MAX = 2_000;
const URL_MAX = 3_000;
/** Slack cuts at 40,000; a notification is a line. */
const FALLBACK_MAX = 500;

function acknowledgeButton(value: string) {
  return { type: 'button', action_id: ACKNOWLEDGE_ACTION, style: 'primary', text: plain('Acknowledge', 75), value };
}

function openButton(url: string) {
  return { type: 'button', action_id: 'healthsync_open', text: plain('Open', 75), url };
}

function plain(text: string, lengthMax: number) {
  return { type: 'plain_text', text: cut(text, lengthMax), emoji: false };
}

/** Slack refuses an empty text as well as a long one. */
function cut(text: string, lengthMax: number): string {
  const trimmed = text.trim();
  if (trimmed === '') return '–';
  return trimmed.length <= lengthMax ? trimmed : `${trimmed.slice(0, lengthMax - 1)}…`;
}

/** docs.slack.dev/messaging/formatting-message-text: these three, and no others. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
