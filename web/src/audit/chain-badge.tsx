import type { AuditAnchor, AuditHeads } from '@healthsync/contracts/audit';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';

const COUNT = new Intl.NumberFormat('en-GB');
/** Heads are anchored every few minutes, and every look at the log is an entry of it. */
const REREAD_MS = 60_000;

const entries = (count: number): string => `${COUNT.format(count)} ${count === 1 ? 'entry' : 'entries'}`;

const CHAIN_WORDS = {
  intact: '✓ Chain verified',
  broken: '✕ Chain broken',
  unchecked: 'Chain not verified yet',
} as const;
/** What the running server met while it wrote. */
const DIVERGENCE_WORDS = {
  'not-as-signed': 'What is stored is not what was signed.',
  'not-as-before': 'It is not the continuation of what this server had seen.',
  'foreign-key': 'Somebody else’s key signed a head of it.',
  'held-altered': 'Entries that waited for it were altered or removed; its own entry says how many.',
} as const;
const ANCHOR_WORDS = { 'up-to-date': 'up to date', behind: 'behind', failing: '✕ failing' } as const;

/** Whether the log is what was signed: said on the page, explained behind it. */
export function ChainBadge() {
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    queryKey: ['audit-heads'],
    queryFn: () => api<AuditHeads>('/api/audit/heads?limit=10'),
    refetchInterval: REREAD_MS,
  });
  const heads = query.data;
  // A badge that could not be asked for again must not go on promising.
  const state = query.isError ? 'unknown' : heads?.chain.state;
  return (
    <>
      <button type="button" className="chain-badge" data-state={state} onClick={() => setOpen(true)}>
        {state === 'unknown'
          ? '? Chain: cannot be told now'
          : heads === undefined
            ? 'Asking about the chain…'
            : chainText(heads.chain)}
        {heads?.head !== undefined && <span className="chain-size"> · {COUNT.format(heads.head.size)} signed</span>}
        {heads !== undefined && <span className="chain-size"> · {anchoredText(heads.anchors)}</span>}
      </button>
      {isOpen && (
        <Dialog title="The audit’s chain" size="lg" onClose={() => setOpen(false)}>
          <Awaited query={query}>{(data) => <Chain heads={data} />}</Awaited>
        </Dialog>
      )}
    </>
  );
}

/** With the time: what was verified once is not verified now, and what the server met while it wrote comes first. */
function chainText({ state, checkedAt, divergences = [] }: AuditHeads['chain']): string {
  if (divergences.length > 0) return '✕ The log is not what it was';
  return [CHAIN_WORDS[state], checkedAt && timeText(checkedAt, 'second', 'named')].filter((part) => part).join(' ');
}

function anchoredText(anchors: readonly AuditAnchor[]): string {
  const times = anchors.flatMap(({ anchoredAt }) => anchoredAt ?? []);
  if (anchors.some(({ state }) => state === 'failing')) return '⚠ an anchor fails';
  const last = times.sort().at(-1);
  if (last === undefined) return anchors.length === 0 ? 'anchored nowhere' : 'not anchored yet';
  return `last anchored ${timeText(last, 'second', 'named')}`;
}

function Chain({
  heads: { head, heads, anchors, chain, restores = [], prunedBefore },
}: {
  readonly heads: AuditHeads;
}) {
  return (
    <>
      <p className="dialog-lead">
        Every entry is a leaf of one Merkle tree (RFC 6962). What was signed about it once can be held against it for
        ever: <code>healthsync audit verify</code> finds an entry that was changed, dropped or put in between.
      </p>
      {(chain.divergences ?? []).length > 0 && (
        <div className="refused" role="alert">
          {chain.divergences?.map((divergence) => (
            <p key={divergence}>✕ {DIVERGENCE_WORDS[divergence]}</p>
          ))}
          <p>
            <code>healthsync audit verify</code> says which entries; keep the data folder and the anchors as they are.
          </p>
        </div>
      )}
      <dl className="facts">
        <Fact term="Verified">
          {chain.checkedAt === undefined
            ? 'not yet'
            : `${timeText(chain.checkedAt, 'second', 'named')}, ${entries(chain.checkedSize ?? 0)}, ${
                chain.findings === 0 ? 'nothing wrong' : `${chain.findings} findings`
              }`}
        </Fact>
        {head !== undefined && (chain.checkedSize ?? 0) < head.size && (
          <Fact term="Since then">
            {entries(head.size - (chain.checkedSize ?? 0))}, looked at by the next verification
          </Fact>
        )}
        {chain.wholeCheckedAt !== undefined && (
          <Fact term="All of it">
            <When at={chain.wholeCheckedAt} as="second" zone="named" />; since then what was new
          </Fact>
        )}
        <Fact term="Signed head">
          {head === undefined ? 'none yet' : `${entries(head.size)}, ${timeText(head.signedAt, 'second', 'named')}`}
        </Fact>
        {head !== undefined && (
          <>
            <Fact term="Root">
              <code>{head.rootHash}</code>
            </Fact>
            <Fact term="Key">
              <code>{head.keyId}</code>
            </Fact>
          </>
        )}
        {restores.map(({ position, acceptedAt, by, reason, lost }) => (
          <Fact key={position} term="Restored">
            {entries(lost.to - lost.from + 1)} of before, signed until{' '}
            <When at={lost.signedUntil} as="second" zone="named" />, {lost.to === lost.from ? 'is' : 'are'} not here:
            accepted by {by}, <When at={acceptedAt} as="second" zone="named" />, “{reason}” (entry{' '}
            {COUNT.format(position)})
          </Fact>
        ))}
        {prunedBefore > 0 && (
          <Fact term="Retention">
            Entries below {COUNT.format(prunedBefore)} were deleted after their time; their hashes remain.
          </Fact>
        )}
      </dl>
      <h3 className="terms-title">Anchored outside</h3>
      {anchors.length === 0 ? (
        <p className="chip-warn">Nowhere: whoever owns this machine could begin a new log.</p>
      ) : (
        <ul className="checks">
          {anchors.map(({ name, size, anchoredAt, state }) => (
            <li key={name}>
              <span>{name}</span>
              <span className="state" data-state={state}>
                {ANCHOR_WORDS[state]}
              </span>
              {anchoredAt !== undefined && (
                <span className="soft">
                  {entries(size ?? 0)}, <When at={anchoredAt} as="second" zone="named" />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <h3 className="terms-title">Signed lately</h3>
      <ul className="heads">
        {heads.map(({ size, signedAt, rootHash }) => (
          <li key={`${size} ${signedAt}`}>
            {entries(size)}{' '}
            <span className="soft">
              <When at={signedAt} as="second" zone="named" />
            </span>{' '}
            <code>{rootHash.slice(0, 16)}…</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
