import type { Alert } from '@healthsync/contracts/alert';
import type { EscalationStep } from '@healthsync/contracts/escalation';
import { durationText } from '../live/freshness.ts';
import { useSeconds, useServices } from '../services.ts';
import { bestReceipt, isToCome, RECEIPT_WORDS, STEP_WORDS, stepsShown, stepText, useEscalation } from './escalation.ts';

/** One line: who has been told, whether it reached them, who is next and in how long. */
export function EscalationLadder({ alert }: { readonly alert: Alert }) {
  const { store } = useServices();
  const query = useEscalation(alert);
  useSeconds();
  const { data } = query;
  if (data === undefined) {
    if (query.isError) return <span className="soft">not known</span>;
    return <span className="skeleton-text" role="status" aria-label="Loading" />;
  }
  if (data.state === 'none' || data.rounds.length === 0)
    return (
      <span className="soft">
        {alert.escalation === undefined ? 'on screens only' : stepText(alert.escalation.step)}
      </span>
    );
  const now = store.clock.now();
  const steps = stepsShown(data, now);
  const reached = steps.filter(reachesSomebody);
  const nobody = [...new Set(steps.filter((step) => !reachesSomebody(step)).map(({ step }) => STEP_WORDS[step]))];
  const next = reached.find((step) => isToCome(step, now));
  return (
    <ol className="ladder" data-state={data.state}>
      {reached.map((step) => (
        <li key={`${step.step} ${step.repeat}`} data-step={step.state}>
          <span aria-hidden="true">{step.state === 'planned' ? '○' : '●'}</span> {STEP_WORDS[step.step]}
          {step.repeat > 1 && ` ×${step.repeat}`} <Note step={step} />
          {data.state === 'running' && step === next && (
            <span className="ladder-next">in {durationText(Date.parse(step.at) - now + 999)}</span>
          )}
        </li>
      ))}
      {/* However many steps reach nobody, that is one thing to know and takes one line. */}
      {nobody.length > 0 && (
        <li data-step="skipped">
          <span className="ladder-bad">⊘ nobody to tell:</span> {nobody.join('; ')}
        </li>
      )}
    </ol>
  );
}

/** The last step waits also where it has nobody to tell: somebody may come. */
const reachesSomebody = ({ recipients }: EscalationStep): boolean => recipients.length > 0;

function Note({ step }: { readonly step: EscalationStep }) {
  if (step.state === 'planned') return null;
  const best = bestReceipt(step);
  if (best === undefined) return null;
  return <span className={best === 'failed' ? 'ladder-bad' : 'ladder-note'}>{RECEIPT_WORDS[best]}</span>;
}
