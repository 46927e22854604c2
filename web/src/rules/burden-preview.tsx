import type { AlarmBurdenDatasets, AlarmBurdenPreview, PostAlarmBurden } from '@healthsync/contracts/alarm-burden';
import type { RuleInput } from '@healthsync/contracts/rule';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, problemText } from '../api.ts';
import { useWardNames } from '../wall/ward-name.ts';
import { BurdenResult } from './burden-result.tsx';
import type { RuleScope } from './rule-editor.tsx';

const DAYS = [1, 3, 7, 14];
/** So long after the last change it begins by itself: nobody has to think of looking first. */
const BEGIN_AFTER_MS = 1_200;
/** As the contract asks: about once a second until it is over. */
const ASK_EVERY_MS = 1_000;

/**
 * What a change would have meant, on what was really measured: alarms per patient-day, sustained events missed or
 * delayed, before and after. Tells its parent whether it has been seen, so that saving without it is a choice.
 */
export function BurdenPreview({
  of,
  own,
  isBlocked,
  onSeen,
}: {
  readonly of: RuleScope;
  readonly own: readonly RuleInput[];
  /** The linter found errors: there is nothing to be tried yet. */
  readonly isBlocked: boolean;
  /** With the preview whose figures stand here: what is saved now is kept with them. */
  readonly onSeen: (isSeen: boolean, previewId: string | undefined) => void;
}) {
  const [days, setDays] = useState(7);
  const [dataset, setDataset] = useState('');
  const [houseWard, setHouseWard] = useState<string>();
  const datasets = useQuery({
    queryKey: ['preview-datasets'],
    queryFn: () => api<AlarmBurdenDatasets>('/api/rules/preview/datasets'),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const wards = useWardNames();
  const ward = of.scope === 'house' ? (houseWard ?? wards.data?.wards[0]?.id) : undefined;
  const body: PostAlarmBurden = {
    scope: of.scope,
    ...(of.scopeId !== '' && { scopeId: of.scopeId }),
    rules: [...own],
    ...(dataset !== '' ? { dataset } : { days, ...(ward !== undefined && { ward }) }),
  };
  const { preview, problem, isBegun } = usePreview(body, isBlocked || (of.scope === 'house' && ward === undefined));
  const comparison = preview?.comparison;
  const isOver = comparison !== undefined || problem !== undefined || preview?.state === 'failed';
  const shownId = comparison === undefined ? undefined : preview?.id;
  useEffect(() => onSeen(isOver, shownId), [isOver, shownId, onSeen]);

  return (
    <section className="burden" aria-label="What this change would have meant">
      <div className="row">
        <h3>What this would have meant</h3>
        <label>
          <span className="unseen">Tried on</span>
          <select value={dataset} onChange={(event) => setDataset(event.target.value)}>
            <option value="">{of.scope === 'patient' ? 'this patient' : 'this ward'}</option>
            {(datasets.data?.datasets ?? []).map(({ name }) => (
              <option key={name} value={name}>
                recorded patients: {name}
              </option>
            ))}
          </select>
        </label>
        {of.scope === 'house' && dataset === '' && (
          <label>
            <span className="unseen">Ward</span>
            <select value={ward ?? ''} onChange={(event) => setHouseWard(event.target.value)}>
              {(wards.data?.wards ?? []).map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {dataset === '' && (
          <label>
            <span className="unseen">Days</span>
            <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
              {DAYS.map((each) => (
                <option key={each} value={each}>
                  last {each === 1 ? 'day' : `${each} days`}
                </option>
              ))}
            </select>
          </label>
        )}
        {isBegun && !isOver && <Progress preview={preview} />}
      </div>
      {isBlocked && <p className="soft">Mend what is marked first.</p>}
      {problem !== undefined && <p className="chip-warn">Could not be tried: {problemText(problem)}</p>}
      {preview?.state === 'failed' && (
        <p className="chip-warn">Could not be tried: {preview.problem?.detail ?? 'it failed.'}</p>
      )}
      {comparison !== undefined && <BurdenResult comparison={comparison} />}
    </section>
  );
}

function Progress({ preview }: { readonly preview: AlarmBurdenPreview | undefined }) {
  const share = preview?.progress.share ?? 0;
  return (
    <span className="burden-progress" role="status">
      <progress max={1} value={share} aria-label="Being tried" />{' '}
      {preview?.state === 'queued' ? 'waiting its turn' : `${Math.round(share * 100)} %`}
    </span>
  );
}

/** Begins a while after the last change, asks how it stands, and takes back what nobody waits for any more. */
function usePreview(body: PostAlarmBurden, isHeld: boolean) {
  const [begun, setBegun] = useState<{ readonly of: string; readonly id?: string; readonly problem?: unknown }>();
  const wanted = JSON.stringify(body);
  useEffect(() => {
    if (isHeld) return;
    let isOver = false;
    let id: string | undefined;
    const timer = setTimeout(() => {
      setBegun({ of: wanted });
      api<AlarmBurdenPreview>('/api/rules/preview', { method: 'POST', body: JSON.parse(wanted) })
        .then((preview) => {
          id = preview.id;
          if (isOver) cancel(id);
          else setBegun({ of: wanted, id });
        })
        .catch((problem: unknown) => {
          if (!isOver) setBegun({ of: wanted, problem });
        });
    }, BEGIN_AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
      if (id !== undefined) cancel(id);
    };
  }, [wanted, isHeld]);
  const current = begun?.of === wanted ? begun : undefined;
  const query = useQuery({
    queryKey: ['preview', current?.id],
    queryFn: () => api<AlarmBurdenPreview>(`/api/rules/preview/${encodeURIComponent(current?.id ?? '')}`),
    enabled: current?.id !== undefined,
    refetchInterval: ({ state }) => (isRunning(state.data) ? ASK_EVERY_MS : false),
    gcTime: 0,
  });
  return {
    isBegun: current !== undefined,
    preview: current?.id === undefined ? undefined : query.data,
    problem: current?.problem ?? (query.isError ? query.error : undefined),
  };
}

const isRunning = (preview: AlarmBurdenPreview | undefined): boolean =>
  preview === undefined || preview.state === 'queued' || preview.state === 'running';

/** One that has ended cannot be cancelled, and need not be. */
function cancel(id: string): void {
  void api(`/api/rules/preview/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch(() => {});
}
