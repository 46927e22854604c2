import type { OnCall, RotaList, RotaSchedule, RotaWarning } from '@healthsync/contracts/rota';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { HOUSE_ZONE } from '../times/house-zone.ts';
import { When } from '../times/when.tsx';
import { addDays, localDate, localTime, momentOf, weekOf } from '../times/zoned-time.ts';
import { useWardName } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { OverrideDialog } from './override-dialog.tsx';
import { RotaDialog } from './rota-dialog.tsx';
import { WeekGrid } from './week-grid.tsx';

type Listed = RotaList['rotas'][number];

/** Who is called at night: now, this week, and where nobody would be. */
export function RotaPage() {
  const { may } = useSession();
  const [chosen, setChosen] = useState<string>();
  const [isNew, setNew] = useState(false);
  const query = useQuery({
    queryKey: ['rotas'],
    queryFn: () => api<RotaList>('/api/rotas'),
    refetchInterval: 60_000,
  });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>On call</h1>
        {may('rota.write') && (
          <Button variant="default" onClick={() => setNew(true)}>
            New rota
          </Button>
        )}
      </div>
      <Awaited query={query}>
        {({ rotas }) => {
          const shown = rotas.filter(({ rota }) => !rota.retired);
          const current = shown.find(({ rota }) => rota.id === chosen) ?? shown[0];
          if (current === undefined)
            return <p className="empty">No rota yet. Alarms that nobody takes then go straight to everyone.</p>;
          return (
            <>
              <ul className="rota-cards">
                {shown.map((each) => (
                  <RotaCard
                    key={each.rota.id}
                    listed={each}
                    isChosen={each === current}
                    onChoose={() => setChosen(each.rota.id)}
                  />
                ))}
              </ul>
              <RotaWeek key={current.rota.id} listed={current} />
            </>
          );
        }}
      </Awaited>
      {isNew && <RotaDialog rota={undefined} onClose={() => setNew(false)} />}
    </main>
  );
}

function RotaCard({
  listed: { rota, now, warnings },
  isChosen,
  onChoose,
}: {
  readonly listed: Listed;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}) {
  const wardName = useWardName();
  const gaps = warnings.filter((warning) => warning.code === 'gap').length;
  return (
    <li className="rota-card" data-chosen={isChosen || undefined}>
      <button type="button" className="rota-choose" aria-pressed={isChosen} onClick={onChoose}>
        {rota.name}
      </button>
      <span className="soft">{rota.wardIds.length === 0 ? 'every ward' : rota.wardIds.map(wardName).join(', ')}</span>
      <dl className="on-call">
        {now.map((each) => (
          <div key={each.layer} data-nobody={each.by === 'nobody' || undefined}>
            <dt>{each.layer}</dt>
            <dd>{onCallText(each, rota.zone)}</dd>
          </div>
        ))}
      </dl>
      {gaps > 0 && (
        <span className="chip-warn">
          ⚠ {gaps} {gaps === 1 ? 'gap' : 'gaps'} in four weeks
        </span>
      )}
    </li>
  );
}

function onCallText({ by, name, userId, until }: OnCall, zone: string): string {
  const end =
    until === undefined ? '' : ` until ${dayTime(Date.parse(until), zone)}${zone === HOUSE_ZONE ? '' : ` (${zone})`}`;
  if (by === 'nobody') return `NOBODY${end}`;
  if (by === 'not-needed') return `not needed${end}`;
  return `${name ?? userId ?? ''}${end}${by === 'override' ? ' (stands in)' : ''}`;
}

function RotaWeek({ listed: { rota } }: { readonly listed: Listed }) {
  const { store } = useServices();
  const { may } = useSession();
  const [back, setBack] = useState(0);
  const [isEditing, setEditing] = useState(false);
  const [override, setOverride] = useState<{ layer: string; fromMs: number; toMs: number; id?: string }>();
  const nowMs = store.clock.now();
  const week = weekOf(momentOf(addDays(localDate(nowMs, rota.zone), back * 7), '12:00', rota.zone), rota.zone);
  const [fromMs, toMs] = [week[0]?.fromMs ?? nowMs, week.at(-1)?.toMs ?? nowMs];
  const query = useQuery({
    queryKey: ['rotas', rota.id, rota.version, fromMs],
    queryFn: () => api<RotaSchedule>(`/api/rotas/${encodeURIComponent(rota.id)}/schedule?from=${fromMs}&to=${toMs}`),
    placeholderData: (before) => before,
  });
  return (
    <section aria-label={`Week of ${rota.name}`}>
      <div className="row">
        <h2>{rota.name}</h2>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Week">
          <button type="button" onClick={() => setBack(back - 1)} aria-label="Week before">
            ‹
          </button>
          <button type="button" aria-pressed={back === 0} onClick={() => setBack(0)}>
            This week
          </button>
          <button type="button" onClick={() => setBack(back + 1)} aria-label="Week after">
            ›
          </button>
        </div>
        <span className="soft">
          Times of {rota.zone} · version {rota.version}, {isolated(rota.setBy)}, <When at={rota.setAt} as="day" />:{' '}
          {rota.reason}
        </span>
        {may('rota.write') && (
          <Button variant="default" size="compact-md" className="row-end" onClick={() => setEditing(true)}>
            Change rota
          </Button>
        )}
      </div>
      <Awaited query={query} rows={rota.layers.length}>
        {(schedule) => (
          <>
            <Warnings warnings={schedule.warnings} zone={rota.zone} />
            <WeekGrid
              schedule={schedule}
              week={week}
              nowMs={nowMs}
              onPick={may('rota.write') ? setOverride : undefined}
            />
          </>
        )}
      </Awaited>
      {override !== undefined && <OverrideDialog rota={rota} slot={override} onClose={() => setOverride(undefined)} />}
      {isEditing && <RotaDialog rota={rota} onClose={() => setEditing(false)} />}
    </section>
  );
}

/** Gaps first: they are what wakes nobody. */
export function Warnings({ warnings, zone }: { readonly warnings: readonly RotaWarning[]; readonly zone: string }) {
  if (warnings.length === 0) return null;
  const sorted = warnings.toSorted((a, b) => Number(b.code === 'gap') - Number(a.code === 'gap'));
  return (
    <ul className="warnings" aria-label="Warnings">
      {sorted.map((warning) => (
        <li key={`${warning.code} ${warning.layer} ${warning.from} ${warning.userId}`} data-code={warning.code}>
          <strong>{WORDS[warning.code]}</strong> {warning.text}
          {warning.from !== undefined && (
            <span className="soft">
              {' '}
              {dayTime(Date.parse(warning.from), zone)}
              {warning.to !== undefined && ` – ${dayTime(Date.parse(warning.to), zone)}`}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

const WORDS: Readonly<Record<RotaWarning['code'], string>> = {
  gap: '⚠ Nobody on call',
  'double-booked': 'In two places',
  'unknown-person': 'Not a user',
  unreachable: 'Cannot be reached',
  'overlapping-overrides': 'Two stand in',
};

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Mon 23 07:00`, in the rota's zone. */
export function dayTime(atMs: number, zone: string): string {
  const date = localDate(atMs, zone);
  return `${WEEKDAYS[new Date(`${date}T00:00Z`).getUTCDay()]} ${Number(date.slice(8))} ${localTime(atMs, zone)}`;
}
