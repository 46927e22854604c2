import type { AuditRecord } from '@healthsync/contracts/audit';
import { When } from '../times/when.tsx';
import { EntryButton } from './entry-button.tsx';

export const OUTCOME_WORDS = { allowed: '✓ allowed', denied: '✕ refused', failed: '⚠ failed' } as const;

export function AuditTable({
  entries,
  isOld,
  onOpen,
}: {
  readonly entries: readonly AuditRecord[];
  /** Of the question before: shown until the answer to this one is here. */
  readonly isOld: boolean;
  readonly onOpen: (position: number) => void;
}) {
  return (
    <div className="table-box" aria-busy={isOld}>
      <table className="table audit stacking">
        <thead>
          <tr>
            <th scope="col">Entry</th>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">On</th>
            <th scope="col">Patient</th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Row key={entry.position} entry={entry} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ entry, onOpen }: { readonly entry: AuditRecord; readonly onOpen: (position: number) => void }) {
  const { position, at, actor, action, resource, patientId, outcome, detail } = entry;
  return (
    <tr>
      <td>
        <EntryButton position={position} onOpen={onOpen} />
      </td>
      <td className="nowrap" data-label="When">
        <When at={at} as="second" zone="named" />
      </td>
      <td data-label="Who">
        <span>
          <bdi>{actor.name}</bdi>
          {actor.kind !== 'person' && <span className="soft"> {actor.kind}</span>}
        </span>
      </td>
      <td data-label="What">
        <span>
          <code>{action}</code>
          {/* Who reviews emergencies has opened none. */}
          {(detail?.['emergencyAccess'] !== undefined || action === 'break-glass.use') && (
            <span className="chip-warn"> ⚠ emergency</span>
          )}
        </span>
      </td>
      <td data-label="On">
        <span>
          <span className="kind">{resource.kind}</span>
          {resource.id !== undefined && resource.id !== patientId && <span className="soft"> {resource.id}</span>}
        </span>
      </td>
      <td data-label="Patient">{patientId}</td>
      <td className="nowrap" data-label="Outcome">
        <span className="state" data-outcome={outcome}>
          {OUTCOME_WORDS[outcome]}
        </span>
      </td>
    </tr>
  );
}
