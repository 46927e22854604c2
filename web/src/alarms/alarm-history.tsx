import type { AlertDetail, AlertHistoryEntry } from '@healthsync/contracts/alert';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { stepText } from './escalation.ts';

interface Line {
  readonly at: string;
  readonly what: string;
  readonly detail: string;
  readonly tone: 'call' | 'act' | 'note' | 'end' | 'bad' | 'plain';
}

/** Changes, notes and deliveries in one line of time, oldest first. */
export function AlarmHistory({ detail }: { readonly detail: AlertDetail }) {
  const lines = [
    ...detail.history.filter(({ change }) => change !== 'unchanged' && change !== 'noted').map(lineOf),
    ...(detail.notes ?? []).map(
      ({ at, author, text }): Line => ({ at, what: `Note of ${isolated(author)}`, detail: text, tone: 'note' }),
    ),
    ...detail.deliveries.map(
      ({ channel, state, attempts, updatedAt, toldWith }): Line => ({
        at: updatedAt,
        what: `${DELIVERY[state]} by ${channel}`,
        detail:
          toldWith !== undefined
            ? `with the page of another alarm of this patient at ${timeText(toldWith.at, 'recent-second')}`
            : attempts > 1
              ? `after ${attempts} attempts`
              : '',
        tone: state === 'failed' ? 'bad' : 'plain',
      }),
    ),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <ol className="timeline">
      {lines.map((line, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two things may happen in one millisecond, and lines only grow
        <li key={`${line.at} ${place}`} data-tone={line.tone}>
          <When at={line.at} as="recent-second" />
          <span>
            <strong>{line.what}</strong> {line.detail}
          </span>
        </li>
      ))}
      {detail.notes === undefined && <li className="soft">Notes are not shown to your role.</li>}
    </ol>
  );
}

const DELIVERY = {
  pending: 'Being told',
  delivered: 'Told',
  failed: 'Not delivered',
  dropped: 'No longer worth telling',
} as const;

function lineOf(entry: AlertHistoryEntry): Line {
  const { at, change, by, priority, previousPriority, text, until, previousOwner, step, undone } = entry;
  const person = by ?? 'the clock';
  const ended = undone === undefined ? '' : ` The ${undone.join(' and the ')} no longer holds.`;
  switch (change) {
    case 'raised':
      return { at, what: `Rang, ${priority}`, detail: text ?? '', tone: 'call' };
    case 'returned':
      return { at, what: 'Came back', detail: text ?? '', tone: 'call' };
    case 'worsened':
      return { at, what: 'Worse', detail: text ?? '', tone: 'call' };
    case 'priority-changed':
      return {
        at,
        what: `Now ${priority}`,
        detail: `before ${previousPriority ?? ''}. ${text ?? ''}${ended}`,
        tone: 'call',
      };
    case 'ended':
      return { at, what: 'The condition ended', detail: '', tone: 'end' };
    case 'acknowledged':
      return { at, what: `Acknowledged by ${person}`, detail: '', tone: 'act' };
    case 'owner-changed':
      return {
        at,
        what: `Taken over by ${person}`,
        detail: previousOwner === undefined ? '' : `from ${previousOwner}`,
        tone: 'act',
      };
    case 'released':
      return { at, what: `Given back by ${person}`, detail: '', tone: 'call' };
    case 'snoozed':
      return {
        at,
        what: `Snoozed by ${person}`,
        detail: until === undefined ? '' : `until ${timeText(until, 'recent-second')}`,
        tone: 'act',
      };
    case 'unsnoozed':
      return { at, what: 'Snooze over', detail: by === undefined ? '' : `ended by ${by}`, tone: 'call' };
    case 'acknowledgement-expired':
      return { at, what: 'The acknowledgement ran out', detail: 'The condition is still present.', tone: 'call' };
    case 'reminder':
      return { at, what: 'Reminded', detail: 'Nobody has acknowledged it.', tone: 'call' };
    case 'escalated':
      return {
        at,
        what: 'Escalated',
        detail: `${step === undefined ? '' : `to: ${stepText(step)}`}${by === undefined ? '' : `, by ${by}`}`,
        tone: 'call',
      };
    case 'resolved':
      return { at, what: 'Over', detail: resolvedText(entry), tone: 'end' };
    case 'noted':
    case 'unchanged':
      return { at, what: change, detail: '', tone: 'plain' };
    default:
      return change satisfies never;
  }
}

function resolvedText({ resolvedBy, by }: AlertHistoryEntry): string {
  switch (resolvedBy) {
    case 'person':
      return `acknowledged by ${by ?? 'somebody'} after the condition had ended`;
    case 'condition':
      return 'the condition ended after it was acknowledged';
    case 'rule':
      return 'closed by itself, as its rule says';
    case undefined:
      return '';
    default:
      return resolvedBy satisfies never;
  }
}
