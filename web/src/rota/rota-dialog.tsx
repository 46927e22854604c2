import type { PutRota, Rota, RotaLayer, RotaSchedule } from '@healthsync/contracts/rota';
import { Button, MultiSelect, NumberInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useServices } from '../services.ts';
import { HOUSE_ZONE } from '../times/house-zone.ts';
import { localDate } from '../times/zoned-time.ts';
import { useWardNames } from '../wall/ward-name.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { ReasonField } from '../widgets/reason-field.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { useStaff } from './override-dialog.tsx';
import { Warnings } from './rota-page.tsx';

/** A rota as it shall be from now on. What it leads to is looked at before it is saved. */
export function RotaDialog({ rota, onClose }: { readonly rota: Rota | undefined; readonly onClose: () => void }) {
  const { store } = useServices();
  const queries = useQueryClient();
  const saving = useSaving();
  const wards = useWardNames();
  const [id, setId] = useState(rota?.id ?? '');
  const [name, setName] = useState(rota?.name ?? '');
  const [zone, setZone] = useState(rota?.zone ?? HOUSE_ZONE);
  const [wardIds, setWardIds] = useState<string[]>(rota?.wardIds ?? []);
  const [layers, setLayers] = useState<readonly RotaLayer[]>(
    rota?.layers ?? [newLayer('first', localDate(store.clock.now(), HOUSE_ZONE))],
  );
  const [reason, setReason] = useState('');
  const [checked, setChecked] = useState<RotaSchedule>();
  const body: PutRota = {
    name: name.trim(),
    wardIds,
    zone: zone.trim(),
    layers: [...layers],
    reason: reason.trim(),
    ...(rota !== undefined && { version: rota.version }),
  };
  const change = (at: number, part: Partial<RotaLayer>) => {
    setChecked(undefined);
    setLayers(layers.map((layer, i) => (i === at ? { ...layer, ...part } : layer)));
  };
  const check = () =>
    saving.run(async () => setChecked(await api<RotaSchedule>('/api/rotas/check', { method: 'POST', body })));
  async function save(): Promise<void> {
    if (!(await saving.run(() => api(`/api/rotas/${encodeURIComponent(id)}`, { method: 'PUT', body })))) return;
    await queries.invalidateQueries({ queryKey: ['rotas'] });
    onClose();
  }
  const isComplete =
    id !== '' && body.name !== '' && body.reason.length >= 3 && layers.every(({ people }) => people.length > 0);
  return (
    <Dialog onClose={onClose} title={rota === undefined ? 'New rota' : `Change ${rota.name}`} size="xl">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['name', 'zone', 'wardIds', 'layers', 'reason']} />
        <div className="pair">
          <TextInput
            label="Name"
            required
            value={name}
            maxLength={100}
            error={saving.errorOf('name')}
            onChange={(event) => {
              setName(event.target.value);
              if (rota === undefined) setId(idOf(event.target.value));
            }}
          />
          <TextInput
            label="Time zone"
            required
            value={zone}
            error={saving.errorOf('zone')}
            onChange={(event) => setZone(event.target.value)}
          />
        </div>
        <MultiSelect
          label="Wards"
          description="None chosen: every ward"
          data={(wards.data?.wards ?? []).map((ward) => ({ value: ward.id, label: ward.name }))}
          value={wardIds}
          error={saving.errorOf('wardIds')}
          onChange={setWardIds}
        />
        {layers.map((layer, at) => (
          <Layer
            // biome-ignore lint/suspicious/noArrayIndexKey: a layer is its place in the order
            key={at}
            layer={layer}
            error={(field) => saving.errorOf(`layers.${at}.${field}`)}
            onChange={(part) => change(at, part)}
            onRemove={layers.length > 1 ? () => setLayers(layers.filter((_, i) => i !== at)) : undefined}
          />
        ))}
        <div>
          <Button
            variant="default"
            size="compact-md"
            onClick={() =>
              setLayers([...layers, newLayer(LAYER_NAMES[layers.length] ?? '', layers[0]?.startsOn ?? '')])
            }
          >
            Add a layer
          </Button>
        </div>
        <ReasonField
          value={reason}
          saving={saving}
          description="Kept with this version and your name"
          onChange={setReason}
        />
        {checked !== undefined &&
          (checked.warnings.length === 0 ? (
            <p className="fine">No gaps in the coming four weeks.</p>
          ) : (
            <Warnings warnings={checked.warnings} zone={zone} />
          ))}
        <div className="row dialog-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button variant="default" loading={saving.isBusy} disabled={!isComplete} onClick={() => void check()}>
            Check for gaps
          </Button>
          <Button type="submit" loading={saving.isBusy} disabled={!isComplete}>
            Save rota
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const LAYER_NAMES = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];

function newLayer(name: string, startsOn: string): RotaLayer {
  return { name, people: [], startsOn, handoverAt: '07:00', turnDays: 7 };
}

/** `night-doctors` from `Night doctors`: what the address of the rota is. */
const idOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);

function Layer({
  layer,
  error,
  onChange,
  onRemove,
}: {
  readonly layer: RotaLayer;
  readonly error: (field: string) => string | undefined;
  readonly onChange: (part: Partial<RotaLayer>) => void;
  readonly onRemove: (() => void) | undefined;
}) {
  const { people, nameOf } = useStaff();
  const swap = (at: number) => {
    const next = [...layer.people];
    [next[at - 1], next[at]] = [next[at] ?? '', next[at - 1] ?? ''];
    onChange({ people: next });
  };
  return (
    <fieldset className="layer">
      <legend>Layer {layer.name}</legend>
      <div className="pair">
        <TextInput
          label="Layer"
          value={layer.name}
          maxLength={64}
          error={error('name')}
          onChange={(event) => onChange({ name: event.target.value })}
        />
        <TextInput
          label="First handover on"
          type="date"
          value={layer.startsOn}
          error={error('startsOn')}
          onChange={(event) => onChange({ startsOn: event.target.value })}
        />
        <TextInput
          label="at"
          type="time"
          value={layer.handoverAt}
          error={error('handoverAt')}
          onChange={(event) => onChange({ handoverAt: event.target.value })}
        />
        <NumberInput
          label="Days each"
          min={1}
          max={28}
          value={layer.turnDays}
          error={error('turnDays')}
          onChange={(value) => onChange({ turnDays: typeof value === 'number' ? value : 7 })}
        />
      </div>
      <MultiSelect
        label="People, in the order of their turns"
        data={people}
        value={layer.people}
        searchable
        hidePickedOptions
        error={error('people')}
        onChange={(next) => onChange({ people: next })}
      />
      {layer.people.length > 1 && (
        <ol className="turns">
          {layer.people.map((userId, at) => (
            <li key={userId}>
              {nameOf(userId)}
              {at > 0 && (
                <button type="button" className="plain-button" onClick={() => swap(at)}>
                  ↑<span className="unseen"> earlier: {nameOf(userId)}</span>
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
      {layer.hours !== undefined && layer.hours.length > 0 && (
        <p className="soft">
          Needed {layer.hours.map(({ weekdays, from, to }) => `${dayNames(weekdays)} ${from}–${to}`).join('; ')}
        </p>
      )}
      {onRemove !== undefined && (
        <button type="button" className="plain-button" onClick={onRemove}>
          Take this layer away
        </button>
      )}
    </fieldset>
  );
}

const ISO_DAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const dayNames = (days: readonly number[]): string => days.map((day) => ISO_DAYS[day]).join(' ');
