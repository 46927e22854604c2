import type { AuditKeys, AuditProof, AuditRecord } from '@healthsync/contracts/audit';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiProblem, api } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { OUTCOME_WORDS } from './audit-table.tsx';
import { holdsSignature } from './verify-head.ts';
import { holdsInclusion } from './verify-inclusion.ts';

/** One entry whole, and the proof that it is in the log. */
export function AuditEntryDialog({
  position,
  entry,
  onClose,
}: {
  readonly position: number;
  readonly entry: AuditRecord | undefined;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={`Entry ${position}`} size="lg" onClose={onClose}>
      {entry !== undefined && <Facts entry={entry} />}
      <h3 className="terms-title">Proof</h3>
      <Proof position={position} />
    </Dialog>
  );
}

function Facts({ entry }: { readonly entry: AuditRecord }) {
  const { at, recordedAt, actor, action, resource, patientId, purpose, outcome, policies, correlationId } = entry;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['When', timeText(at, 'long', 'named')],
    ['Written down', timeText(recordedAt, 'long', 'named')],
    ['Who', `${isolated(actor.name)} (${actor.kind})`],
    ['Their id', actor.userId],
    ['From', actor.address],
    ['Session', actor.sessionId],
    ['What', action],
    ['On', [resource.kind, resource.id].filter((part) => part !== undefined).join(' ')],
    ['Patient', patientId],
    ['Purpose', purpose],
    ['Outcome', OUTCOME_WORDS[outcome]],
    ['Policies', policies?.join(', ')],
    ...Object.entries(entry.detail ?? {}).map(([name, value]) => [nameInWords(name), String(value)] as const),
    ['Request', correlationId],
  ];
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** `emergencyAccess` is `Emergency access`: in the log it stands as it was written, here it is read. */
function nameInWords(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function Proof({ position }: { readonly position: number }) {
  const query = useQuery({ queryKey: ['audit-proof', position], queryFn: () => checkedProof(position), gcTime: 0 });
  return (
    <Awaited query={query} rows={2}>
      {(checked) =>
        checked === 'unsigned' ? (
          <p className="soft">No signed head covers it yet; one is signed every little while. Open it again then.</p>
        ) : (
          <Checked {...checked} />
        )
      }
    </Awaited>
  );
}

interface CheckedProof {
  readonly proof: AuditProof;
  readonly isIncluded: boolean;
  readonly signature: 'holds' | 'does-not-hold' | 'unknown';
}

async function checkedProof(position: number): Promise<CheckedProof | 'unsigned'> {
  try {
    const [proof, keys] = await Promise.all([
      api<AuditProof>(`/api/audit/proof?position=${position}`),
      api<AuditKeys>('/.well-known/healthsync-audit-keys'),
    ]);
    const [isIncluded, signature] = await Promise.all([holdsInclusion(proof), holdsSignature(proof.head, keys)]);
    return { proof, isIncluded, signature };
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 404) return 'unsigned';
    throw error;
  }
}

const SIGNATURE_WORDS = {
  holds: 'its signature holds',
  'does-not-hold': 'its signature does not hold',
  unknown: 'this browser cannot check its signature',
} as const;

function Checked({ proof, isIncluded, signature }: CheckedProof) {
  const isProven = isIncluded && signature !== 'does-not-hold';
  return (
    <>
      <p className={isProven ? 'fine' : 'chip-warn'} role="status">
        {isIncluded
          ? `✓ In the log: ${proof.path.length} hashes lead from it to the signed head of ${proof.head.size} entries`
          : '✕ It is not in the log that was signed'}
        ; {SIGNATURE_WORDS[signature]}. Worked out in this browser.
      </p>
      {proof.entry === undefined && (
        <p className="soft">The entry was deleted after its retention; its hash remains.</p>
      )}
      <details>
        <summary>As written down, its hash and its path</summary>
        <pre className="payload">
          {[proof.entry, `leaf ${proof.leafHash}`, ...proof.path, `root ${proof.head.rootHash}`]
            .filter((line) => line !== undefined)
            .join('\n')}
        </pre>
      </details>
    </>
  );
}
