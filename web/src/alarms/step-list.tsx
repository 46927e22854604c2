import type { EscalationRecipient, EscalationStep } from '@healthsync/contracts/escalation';
import { Link } from '@tanstack/react-router';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { RECEIPT_WORDS, STEP_WORDS } from './escalation.ts';

/** Step by step, person by person: whom, by what, why them, and what became of it. */
export function StepList({
  steps,
  isPlan = false,
  firstIsNow = false,
}: {
  readonly steps: readonly EscalationStep[];
  /** Nothing has been told: times are what would be. */
  readonly isPlan?: boolean;
  /** As soon as a person says so: the first has no hour of its own. */
  readonly firstIsNow?: boolean;
}) {
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={`${step.step} ${step.repeat}`} data-step={isPlan ? 'planned' : step.state}>
          <div className="step-head">
            <strong>
              {STEP_WORDS[step.step]}
              {step.repeat > 1 && ` (time ${step.repeat})`}
            </strong>
            <span className="soft">
              {whenText(step, isPlan, firstIsNow && step.at === steps[0]?.at)}
              {step.until !== undefined && `, waits until ${timeText(step.until, 'clock-second')}`}
              {step.state === 'skipped' && `, nobody ${isPlan ? 'to tell' : 'could be told'}`}
            </span>
          </div>
          <ul className="recipients">
            {step.recipients.map((recipient) => (
              <Recipient key={`${recipient.userId} ${recipient.channel}`} recipient={recipient} />
            ))}
          </ul>
          {step.warnings.map((warning) => (
            <p key={warning.text} className="step-warning">
              ⚠ {warning.text}
            </p>
          ))}
        </li>
      ))}
    </ol>
  );
}

function whenText({ at, state }: EscalationStep, isPlan: boolean, isNow: boolean): string {
  if (isNow) return 'now';
  return `${isPlan || state === 'planned' || state === 'skipped' ? 'at' : 'told'} ${timeText(at, 'clock-second')}`;
}

function Recipient({ recipient }: { readonly recipient: EscalationRecipient }) {
  const { name, userId, role, channel, why, state, heldUntil, updatedAt, toldWith } = recipient;
  return (
    <li data-receipt={state}>
      <span>
        {name ?? userId ?? role}{' '}
        <span className="soft">
          by {channel} · {why}
        </span>
      </span>{' '}
      {toldWith !== undefined && (
        <span className="soft">
          with{' '}
          <Link to="/alarms/$alarmId" params={{ alarmId: toldWith.alarmId }}>
            the page of another alarm, <When at={toldWith.at} as="clock-second" />
          </Link>{' '}
        </span>
      )}
      <span className="receipt">
        {RECEIPT_WORDS[state]}
        {state === 'held' && heldUntil !== undefined && ` until ${timeText(heldUntil, 'clock-second')}`}
        {state !== 'planned' &&
          state !== 'held' &&
          updatedAt !== undefined &&
          ` ${timeText(updatedAt, 'clock-second')}`}
      </span>
    </li>
  );
}
