import type { Fact } from '@healthsync/contracts/rule';
import { MultiSelect, NumberInput, Select } from '@mantine/core';
import { SIDES, Value, VITALS } from './rule-form.tsx';

export interface FactGroup {
  readonly atLeast: number;
  readonly of: readonly (Fact | FactGroup)[];
}

const KINDS = [
  { value: 'vital', label: 'a vital' },
  { value: 'oxygen', label: 'oxygen' },
  { value: 'consciousness', label: 'consciousness' },
];
const NEW_FACT: Fact = { vital: 'respiratoryRate', comparison: 'above', limit: 24 };

/** AND, OR and "so many of": a group of facts, which may hold groups one level deep. */
export function FactGroupForm({
  group,
  depth,
  errorOf,
  onChange,
}: {
  readonly group: FactGroup;
  readonly depth: number;
  readonly errorOf: (field: string) => string | undefined;
  readonly onChange: (group: FactGroup) => void;
}) {
  const { of } = group;
  const put = (at: number, item: Fact | FactGroup) =>
    onChange({ ...group, of: of.map((one, i) => (i === at ? item : one)) });
  const add = (item: Fact | FactGroup) => {
    // "All of them" stays all of them.
    const atLeast = group.atLeast >= of.length ? of.length + 1 : group.atLeast;
    onChange({ atLeast, of: [...of, item] });
  };
  const remove = (at: number) => {
    const rest = of.filter((_, i) => i !== at);
    onChange({ atLeast: Math.max(1, Math.min(group.atLeast, rest.length)), of: rest });
  };
  return (
    <fieldset className="facts-form" data-depth={depth}>
      <legend>
        <NumberInput
          aria-label="How many of these must hold"
          min={1}
          max={of.length}
          value={group.atLeast}
          error={errorOf('atLeast')}
          onChange={(value) => onChange({ ...group, atLeast: Number(value) })}
        />
        <span>
          of {of.length} must hold ({group.atLeast >= of.length ? 'all' : group.atLeast === 1 ? 'any' : 'some'})
        </span>
      </legend>
      {of.map((item, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a fact is its place in the group
        <div key={at} className="fact">
          {'of' in item ? (
            <FactGroupForm
              group={item}
              depth={depth + 1}
              errorOf={(field) => errorOf(`of.${at}.${field}`)}
              onChange={(next) => put(at, next)}
            />
          ) : (
            <FactForm
              fact={item}
              errorOf={(field) => errorOf(`of.${at}.${field}`)}
              onChange={(next) => put(at, next)}
            />
          )}
          {of.length > 1 && (
            <button type="button" className="plain-button" onClick={() => remove(at)}>
              ✕<span className="unseen"> take this away</span>
            </button>
          )}
        </div>
      ))}
      <div className="row">
        <button type="button" className="plain-button" onClick={() => add(NEW_FACT)}>
          Add a fact
        </button>
        {depth === 0 && (
          <button type="button" className="plain-button" onClick={() => add({ atLeast: 1, of: [NEW_FACT] })}>
            Add a group
          </button>
        )}
      </div>
    </fieldset>
  );
}

function FactForm({
  fact,
  errorOf,
  onChange,
}: {
  readonly fact: Fact;
  readonly errorOf: (field: string) => string | undefined;
  readonly onChange: (fact: Fact) => void;
}) {
  const kind = 'oxygen' in fact ? 'oxygen' : 'consciousness' in fact ? 'consciousness' : 'vital';
  const change = (next: string | null) => {
    if (next === 'oxygen') onChange({ oxygen: true });
    else if (next === 'consciousness') onChange({ consciousness: ['C', 'V', 'P', 'U'] });
    else onChange(NEW_FACT);
  };
  return (
    <div className="fact-fields">
      <Select aria-label="About" data={KINDS} value={kind} allowDeselect={false} onChange={change} />
      {'oxygen' in fact && (
        <Select
          aria-label="Oxygen"
          data={[
            { value: 'yes', label: 'on oxygen' },
            { value: 'no', label: 'on air' },
          ]}
          value={fact.oxygen ? 'yes' : 'no'}
          allowDeselect={false}
          onChange={(value) => onChange({ ...fact, oxygen: value === 'yes' })}
        />
      )}
      {'consciousness' in fact && (
        <MultiSelect
          aria-label="Consciousness"
          data={['A', 'C', 'V', 'P', 'U']}
          value={fact.consciousness}
          error={errorOf('consciousness')}
          onChange={(value) => onChange({ ...fact, consciousness: value as typeof fact.consciousness })}
        />
      )}
      {'vital' in fact && (
        <>
          <Select
            aria-label="Vital"
            data={VITALS}
            value={fact.vital}
            allowDeselect={false}
            onChange={(value) => onChange({ ...fact, vital: (value ?? fact.vital) as typeof fact.vital })}
          />
          <Select
            aria-label="Side"
            data={SIDES}
            value={fact.comparison}
            allowDeselect={false}
            onChange={(value) => onChange({ ...fact, comparison: value === 'below' ? 'below' : 'above' })}
          />
          <Value
            label="Limit"
            isLabelHidden
            vital={fact.vital}
            value={fact.limit}
            error={errorOf('limit')}
            onChange={(limit) => onChange({ ...fact, limit: limit ?? 0 })}
          />
        </>
      )}
    </div>
  );
}
