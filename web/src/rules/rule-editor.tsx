import type {
  LintResult,
  LintRules,
  PostOverride,
  PutRules,
  RuleInput,
  RuleOverride,
  RuleProposal,
  RuleSetResponse,
} from '@healthsync/contracts/rule';
import { Button, Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api } from '../api.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { BurdenPreview } from './burden-preview.tsx';
import { NewRule } from './new-rule.tsx';
import { changesOf, putRule, removeRule, rowsOf } from './rule-draft.ts';
import { RuleRow } from './rule-row.tsx';
import { RuleStanding } from './rule-standing.tsx';

export interface RuleScope {
  readonly scope: 'house' | 'ward' | 'patient';
  /** Empty for the house. */
  readonly scopeId: string;
  /** Whose last days a change is tried on. */
  readonly wardId: string | undefined;
}

export const rulesPath = ({ scope, scopeId }: RuleScope): string =>
  scope === 'house' ? '/api/house/rules' : `/api/${scope}s/${encodeURIComponent(scopeId)}/rules`;

const rulesKey = ({ scope, scopeId }: RuleScope) => ['rules', scope, scopeId];

/** Which values ring here: what is inherited, what is one's own, and what a change would do before it is made. */
export function RuleEditor({ of, onSaved }: { readonly of: RuleScope; readonly onSaved?: () => void }) {
  // Lies over the drafts: what was saved and waits is said after the draft is gone.
  const [saved, setSaved] = useState<{ readonly times: number; readonly waiting: readonly RuleProposal[] }>({
    times: 0,
    waiting: [],
  });
  const query = useQuery({
    queryKey: rulesKey(of),
    queryFn: () => api<RuleSetResponse>(rulesPath(of)),
    // A draft lies over it: what changed meanwhile is found out when it is saved.
    refetchOnMount: 'always',
    gcTime: 0,
  });
  return (
    <Awaited query={query} rows={8}>
      {(known) => (
        <>
          <SavedNotice waiting={saved.waiting} />
          <Draft
            key={`${known.revision} ${saved.times}`}
            of={of}
            known={known}
            onSaved={(waiting) => {
              setSaved({ times: saved.times + 1, waiting });
              // A dialog that closed now would leave the impression that the new limit holds.
              if (waiting.length === 0) onSaved?.();
            }}
          />
        </>
      )}
    </Awaited>
  );
}

function Draft({
  of,
  known,
  onSaved,
}: {
  readonly of: RuleScope;
  readonly known: RuleSetResponse;
  /** With what of it waits for a second person. */
  readonly onSaved: (waiting: readonly RuleProposal[]) => void;
}) {
  const { store } = useServices();
  const { may } = useSession();
  const queries = useQueryClient();
  const saving = useSaving();
  const [own, setOwn] = useState<readonly RuleInput[]>(() => known.own.map(({ rule }) => rule));
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState('');
  const [{ isSeen, previewId }, setSeen] = useState<Seen>({ isSeen: false });
  const see = useCallback((isSeen: boolean, previewId: string | undefined) => setSeen({ isSeen, previewId }), []);
  const { changed, removed } = changesOf(known, own);
  const isDirty = changed.length + removed.length > 0;
  const lint = useLint(of, own, isDirty);
  const mayWrite = may(of.scope === 'house' ? 'rules.write' : 'limits.write');
  const path = rulesPath(of);
  const change = (next: readonly RuleInput[]) => {
    saving.clear();
    setOwn(next);
  };

  async function save(): Promise<void> {
    const knownBefore = new Set(known.proposals.map(({ id }) => id));
    const waiting: RuleProposal[] = [];
    const done = await saving.run(async () => {
      if (hours === '') {
        const body: PutRules = {
          reason: reason.trim(),
          expectedRevision: known.revision,
          rules: [...own],
          ...(previewId !== undefined && { preview: previewId }),
        };
        const { proposals } = await api<RuleSetResponse>(path, { method: 'PUT', body });
        waiting.push(...proposals.filter(({ id, state }) => state === 'open' && !knownBefore.has(id)));
        return;
      }
      const until = new Date(store.clock.now() + Number(hours) * 3_600_000).toISOString();
      for (const rule of changed) {
        const body: PostOverride = { reason: reason.trim(), rule, until };
        const made = await api<RuleOverride | RuleProposal>(`${path}/overrides`, { method: 'POST', body });
        if ('askedBy' in made) waiting.push(made);
      }
    });
    if (!done) return;
    await queries.invalidateQueries({ queryKey: rulesKey(of) });
    await queries.invalidateQueries({ queryKey: ['patient'] });
    onSaved(waiting);
  }

  /** Linter and server name rules by their place in what is sent; for a limited time each is sent alone. */
  const problemOf = (rule: RuleInput) => (field: string) => {
    const at = own.indexOf(rule);
    const of = hours === '' ? `rules.${at}` : 'rule';
    const wanted = field === '' ? of : `${of}.${field}`;
    return (
      saving.errorOf(wanted) ??
      lint?.problems.find(
        (one) => one.field === `rules.${at}.${field}` || (field === '' && one.field === `rules.${at}`),
      )?.detail
    );
  };
  const isBlocked = lint?.problems.some(({ severity }) => severity === 'error') ?? false;
  return (
    <form
      className="rules"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <SaveProblem saving={saving} shown={['reason', 'rules', 'rule']} />
      <RuleStanding of={of} known={known} />
      <div className="rule-rows">
        {rowsOf(known, own).map((row) => (
          <RuleRow
            key={row.rule.id}
            row={row}
            mayWrite={mayWrite}
            others={rowsOf(known, own).map(({ rule }) => rule)}
            errorOf={problemOf(row.rule)}
            warnings={(lint?.problems ?? []).filter(
              ({ field }) =>
                field === `rules.${own.indexOf(row.rule)}` || field.startsWith(`rules.${own.indexOf(row.rule)}.`),
            )}
            needsSecond={lint?.needsSecondPerson.includes(row.rule.id) ?? false}
            onChange={(rule) => change(putRule(own, rule))}
            onRemove={() => change(removeRule(own, row.rule.id))}
            onRestore={() => change(putRule(own, row.rule))}
          />
        ))}
      </div>
      {mayWrite && (
        <NewRule
          taken={new Set(rowsOf(known, own).map(({ rule }) => rule.id))}
          onAdd={(rule) => change(putRule(own, rule))}
        />
      )}
      {mayWrite && isDirty && (
        <div className="rule-save">
          <BurdenPreview of={of} own={own} isBlocked={isBlocked || lint === undefined} onSeen={see} />
          {(lint?.needsSecondPerson.length ?? 0) > 0 && (
            <p className="second-person">
              <strong>A second person is needed.</strong> This makes a high alarm ring later or not at all. Until it is
              confirmed, the limit stays as it is now.
            </p>
          )}
          <div className="pair rule-save-fields">
            <ReasonField
              value={reason}
              saving={saving}
              description="Kept with the change and your name"
              onChange={setReason}
            />
            <Select
              label="For how long"
              description={removed.length > 0 ? 'Taking a rule away is for good' : 'Then what it replaced holds again'}
              data={DURATIONS}
              value={hours}
              allowDeselect={false}
              disabled={removed.length > 0 || of.scope === 'house'}
              onChange={(value) => setHours(value ?? '')}
            />
            <div className="row dialog-end">
              <Button variant="default" onClick={() => change(known.own.map(({ rule }) => rule))}>
                Undo all
              </Button>
              <Button type="submit" loading={saving.isBusy} disabled={reason.trim().length < 3 || isBlocked}>
                {of.scope === 'patient' ? 'Save limits' : 'Save rules'}
                {!isSeen && ' without waiting for the preview'}
              </Button>
            </div>
          </div>
        </div>
      )}
    </form>
  );
}

/** Said where one looks after saving, and read out: the old limit still rings. */
/** Whether the preview has come to an end, and which figures stand there. */
interface Seen {
  readonly isSeen: boolean;
  readonly previewId?: string | undefined;
}

function SavedNotice({ waiting }: { readonly waiting: readonly RuleProposal[] }) {
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (waiting.length > 0) notice.current?.scrollIntoView({ block: 'nearest' });
  }, [waiting]);
  return (
    <div ref={notice} role="status">
      {waiting.length > 0 && (
        <div className="second-person saved-notice">
          <p>
            <strong>Saved, but not in force yet: a second person has to confirm it.</strong>
          </p>
          {waiting.map(({ id, effect }) => (
            <p key={id}>{effect}. Until it is confirmed, the limit as it was still rings.</p>
          ))}
          <p className="soft">Charge nurses and doctors find it under Approvals, and in the bar of every page.</p>
        </div>
      )}
    </div>
  );
}

const DURATIONS = [
  { value: '', label: 'Until it is changed' },
  { value: '2', label: '2 hours' },
  { value: '8', label: '8 hours' },
  { value: '12', label: '12 hours' },
  { value: '24', label: '24 hours' },
  { value: '72', label: '3 days' },
  { value: '168', label: '7 days' },
];

/** So long after the last key the server's linter is asked. */
const LINT_AFTER_MS = 400;

/** As saving would judge it, while it is being written. Without an answer nothing is held back: saving judges again. */
function useLint({ scope, scopeId }: RuleScope, own: readonly RuleInput[], isDirty: boolean): LintResult | undefined {
  const [result, setResult] = useState<LintResult>();
  useEffect(() => {
    if (!isDirty) return setResult(undefined);
    let isOver = false;
    const timer = setTimeout(() => {
      const body: LintRules = { scope, ...(scopeId !== '' && { scopeId }), rules: [...own] };
      api<LintResult>('/api/rules/lint', { method: 'POST', body })
        .then((next) => {
          if (!isOver) setResult(next);
        })
        .catch(() => {});
    }, LINT_AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [scope, scopeId, own, isDirty]);
  return result;
}
