import type { SecurityAlert } from '@healthsync/contracts/security-alert';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { EntryButton } from '../audit/entry-button.tsx';
import { useSession } from '../session/session.tsx';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { auditOf, KIND_WORDS, SEVERITY_WORDS, VERDICT_WORDS } from './alert-words.ts';
import { reasonText } from './reason-text.ts';

/** Of fifty the first say how it began. */
const SHOWN = 12;

/** One alert: who, what, why, by which entries, and what was said of it. */
export function AlertCard({
  alert,
  onLook,
  onClose,
  onEvidence,
}: {
  readonly alert: SecurityAlert;
  readonly onLook: () => void;
  readonly onClose: () => void;
  readonly onEvidence: (position: number) => void;
}) {
  const { may } = useSession();
  const { kind, severity, score, state, person, patientId, reasons, count, firstAt, lastAt, lookedAt, closed } = alert;
  return (
    <article aria-label={`${KIND_WORDS[kind]}${person === undefined ? '' : `, ${person.name}`}`}>
      <div className="row security-head">
        <span className="state" data-severity={severity}>
          {SEVERITY_WORDS[severity]}
        </span>
        <h2>{KIND_WORDS[kind]}</h2>
        {person !== undefined && <strong className="security-person">{person.name}</strong>}
        <span className="soft">score {score}</span>
        <span className="row-end row">
          {may('audit.read') && person !== undefined && (
            <Link to="/audit" state={{ audit: auditOf(alert) }}>
              What they did
            </Link>
          )}
          {may('security-alert.close') && state === 'open' && !alert.isAboutYou && (
            <Button size="xs" variant="default" onClick={onLook}>
              Look into it
            </Button>
          )}
          {may('security-alert.close') && state !== 'closed' && !alert.isAboutYou && (
            <Button size="xs" onClick={onClose}>
              Close it
            </Button>
          )}
        </span>
      </div>
      {alert.isAboutYou && <p className="chip-warn">It is about you: somebody else closes it.</p>}
      <ul className="reasons">
        {reasons.map((reason) => (
          <li key={reason.code}>{reasonText(reason)}</li>
        ))}
      </ul>
      <p className="soft">
        {patientId !== undefined && `Patient ${patientId} · `}
        {spanText(firstAt, lastAt)}
        {count > 1 && ` · noticed ${count} times`}
        {lookedAt !== undefined &&
          ` · ${isolated(lookedAt.by)} looks into it since ${timeText(lookedAt.at, 'minute', 'named')}`}
      </p>
      <Evidence positions={alert.evidence} onOpen={onEvidence} />
      {closed !== undefined && (
        <p>
          <strong className={closed.verdict === 'violation' ? 'chip-warn' : 'fine'}>
            {VERDICT_WORDS[closed.verdict]}
          </strong>{' '}
          {closed.note}{' '}
          <span className="soft">
            {isolated(closed.by)}, <When at={closed.at} zone="named" />
          </span>
        </p>
      )}
    </article>
  );
}

/** Of one minute as one time. */
function spanText(firstAt: string, lastAt: string): string {
  const [first, last] = [firstAt, lastAt].map((at) => timeText(at, 'minute', 'named'));
  return first === last ? `${first}` : `${first} to ${last}`;
}

function Evidence({
  positions,
  onOpen,
}: {
  readonly positions: readonly number[];
  readonly onOpen: (position: number) => void;
}) {
  const { may } = useSession();
  if (positions.length === 0 || !may('audit.read')) return null;
  return (
    <p className="row evidence">
      <span className="soft">Entries of the audit:</span>
      {positions.slice(0, SHOWN).map((position) => (
        <EntryButton key={position} position={position} onOpen={onOpen} />
      ))}
      {positions.length > SHOWN && <span className="soft">and {positions.length - SHOWN} more</span>}
    </p>
  );
}
