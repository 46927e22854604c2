import type { PushMessage } from '@healthsync/contracts/push';
import type { Notification } from '../../ports/notifier.ts';
import { PUSH_PLAINTEXT_MAX_BYTES } from './web-push-encryption.ts';

/** The message as the service worker reads it (`contracts/src/push.ts`), within what one push may hold. */
export function pushMessageOf(message: Notification, idempotencyKey: string): Buffer {
  const { subject, text, event, alarm, answerToken, wallUrl } = message;
  const isUpdate = UPDATES.has(event);
  const push: PushMessage = {
    delivery: idempotencyKey,
    title: cut(subject, TITLE_MAX),
    body: bodyOf(subject, text),
    tag: alarm === undefined ? event : `alarm:${alarm.id}`,
    event,
    isUpdate,
    ...(alarm === undefined ? {} : { priority: alarm.priority, alarmId: alarm.id }),
    // Who answers is told by the browser's session; the token only says that the policy allows an answer.
    canAcknowledge:
      alarm !== undefined && answerToken !== undefined && event !== 'acknowledged' && event !== 'resolved',
    path: pathOf(wallUrl),
  };
  return encoded(push);
}

function encoded(push: PushMessage): Buffer {
  const bytes = Buffer.from(JSON.stringify(push));
  return bytes.byteLength <= PUSH_PLAINTEXT_MAX_BYTES || push.body.length < 10 ? bytes : shortened(push);
}

/** What follows quietly on a message that rang. */
const UPDATES: ReadonlySet<Notification['event']> = new Set(['ended', 'acknowledged', 'resolved']);

/** What a phone shows of a title is a third of this. */
const TITLE_MAX = 150;

/** The first line of the text is the subject again; a notification shows it as its title already. */
function bodyOf(subject: string, text: string): string {
  return (text.startsWith(subject) ? text.slice(subject.length) : text).trim();
}

/** Tenth by tenth, since a character of JSON is one to six bytes; what is dropped can be read on the wall. */
function shortened(push: PushMessage): Buffer {
  const body = `${push.body.slice(0, Math.floor(push.body.length * 0.9) - 1)}…`;
  return encoded({ ...push, body });
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

/** Only our own pages: what a click opens is resolved against our origin. */
function pathOf(wallUrl: string | undefined): string {
  const url = wallUrl === undefined ? null : URL.parse(wallUrl);
  return url === null ? '/' : `/${`${url.pathname}${url.search}${url.hash}`.replace(/^[/\\]+/, '')}`;
}
