import type { EscalationRecipient, EscalationStep } from '@healthsync/contracts/escalation';
import { Link } from '@tanstack/react-router';
import { RECEIPT_WORDS, STEP_WORDS } from './escalation.ts';

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

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
              {step.until !== undefined && `, waits until ${TIME.format(Date.parse(step.until))}`}
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
  return `${isPlan || state === 'planned' || state === 'skipped' ? 'at' : 'told'} ${TIME.format(Date.parse(at))}`;
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
            the page of another alarm, {TIME.format(Date.parse(toldWith.at))}
          </Link>{' '}
        </span>
      )}
      <span className="receipt">
        {RECEIPT_WORDS[state]}
        {state === 'held' && heldUntil !== undefined && ` until ${TIME.format(Date.parse(heldUntil))}`}
        {state !== 'planned' && state !== 'held' && updatedAt !== undefined && ` ${TIME.format(Date.parse(updatedAt))}`}
      </span>
    </li>
  );
}
