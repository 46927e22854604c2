import type { QuietHours } from '@healthsync/contracts/care-team';
import { Button, MultiSelect, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((label, at) => ({ value: String(at + 1), label }));
type Window = QuietHours['windows'][number];
const NEW: Window = {
  weekdays: [1, 2, 3, 4, 5, 6, 7],
  from: '22:00',
  to: '06:00',
  priorities: ['low'],
  effect: 'hold',
};

/** When people are left in peace. A high alarm and the last step of an escalation come through whatever is set here. */
export function QuietHoursPanel({
  path,
  title,
  mayWrite,
}: {
  /** One's own, or a ward's. */
  readonly path: string;
  readonly title: string;
  readonly mayWrite: boolean;
}) {
  const query = useQuery({ queryKey: [path], queryFn: () => api<QuietHours>(path), gcTime: 0 });
  return (
    <section className="panel" aria-label={title}>
      <h2>{title}</h2>
      <p className="soft">They never hold back a high alarm, nor the last step of an escalation.</p>
      <Awaited query={query} rows={2}>
        {(known) =>
          mayWrite ? (
            <Form key={query.dataUpdatedAt} path={path} known={known} reload={() => void query.refetch()} />
          ) : (
            <InWords windows={known.windows} />
          )
        }
      </Awaited>
    </section>
  );
}

function InWords({ windows }: { readonly windows: readonly Window[] }) {
  if (windows.length === 0) return <p>None.</p>;
  return (
    <ul className="contacts">
      {windows.map(({ weekdays, from, to, priorities, effect }) => (
        <li key={`${weekdays} ${from} ${to}`}>
          {weekdays.map((day) => DAYS[day - 1]?.label).join(' ')} {from}–{to}: {priorities.join(' and ')}{' '}
          {effect === 'hold' ? 'told when they are over' : 'told without noise'}
        </li>
      ))}
    </ul>
  );
}

function Form({
  path,
  known,
  reload,
}: {
  readonly path: string;
  readonly known: QuietHours;
  readonly reload: () => void;
}) {
  const queries = useQueryClient();
  const saving = useSaving();
  const [windows, setWindows] = useState<readonly Window[]>(known.windows);
  const change = (at: number, part: Partial<Window>) =>
    setWindows(windows.map((one, i) => (i === at ? { ...one, ...part } : one)));
  const save = () =>
    saving.run(async () => {
      const body: QuietHours = { ...known, windows: [...windows] };
      await api(path, { method: 'PUT', body });
      await queries.invalidateQueries({ queryKey: [path] });
    });
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <SaveProblem saving={saving} shown={[]} reload={reload} />
      {windows.map((window, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a window is its place in the list
        <fieldset key={at} className="layer">
          <legend>
            {window.from}–{window.to}
          </legend>
          <div className="pair">
            <MultiSelect
              label="Days"
              data={DAYS}
              value={window.weekdays.map(String)}
              onChange={(value) => change(at, { weekdays: value.map(Number).sort() })}
            />
            <TextInput
              label="From"
              type="time"
              value={window.from}
              onChange={(event) => change(at, { from: event.target.value })}
            />
            <TextInput
              label="To"
              type="time"
              value={window.to}
              onChange={(event) => change(at, { to: event.target.value })}
            />
            <MultiSelect
              label="For"
              data={['medium', 'low']}
              value={window.priorities}
              onChange={(value) => change(at, { priorities: value as Window['priorities'] })}
            />
            <Select
              label="Then"
              data={[
                { value: 'hold', label: 'told when they are over' },
                { value: 'soften', label: 'told without noise' },
              ]}
              value={window.effect}
              allowDeselect={false}
              onChange={(value) => change(at, { effect: value === 'soften' ? 'soften' : 'hold' })}
            />
          </div>
          <button
            type="button"
            className="plain-button start"
            onClick={() => setWindows(windows.filter((_, i) => i !== at))}
          >
            Take away
          </button>
        </fieldset>
      ))}
      <div className="row">
        <button type="button" className="plain-button" onClick={() => setWindows([...windows, NEW])}>
          Add quiet hours
        </button>
        {JSON.stringify(windows) !== JSON.stringify(known.windows) && (
          <Button type="submit" loading={saving.isBusy}>
            Save quiet hours
          </Button>
        )}
      </div>
    </form>
  );
}
