import type { RuleInput } from '@healthsync/contracts/rule';
import { NumberInput, Select, TextInput } from '@mantine/core';
import { SHOWN_VITALS, vitalOf } from '../patient/vital-signs.ts';
import { FactGroupForm } from './fact-form.tsx';
import { ruleText } from './rule-words.ts';

type Priority = RuleInput['priority'];
type Vital = Extract<RuleInput, { kind: 'limit' }>['vital'];

export const VITALS = SHOWN_VITALS.map(({ vital, label }) => ({ value: vital, label }));
export const SIDES = [
  { value: 'above', label: 'above' },
  { value: 'below', label: 'below' },
];
const PRIORITIES = ['high', 'medium', 'low'];

/** Everything that can be said of one rule, by its kind; what is wrong with a field stands at the field. */
export function RuleForm({
  rule,
  isInherited,
  others,
  errorOf,
  onChange,
}: {
  readonly rule: RuleInput;
  /** Takes the place of another by its id: what makes the id stays. */
  readonly isInherited: boolean;
  readonly others: readonly RuleInput[];
  readonly errorOf: (field: string) => string | undefined;
  readonly onChange: (rule: RuleInput) => void;
}) {
  return (
    <div className="rule-form">
      <div className="pair">
        <KindFields {...{ rule, isInherited, others, errorOf, onChange }} />
        <Select
          label="Priority"
          data={PRIORITIES}
          value={rule.priority}
          allowDeselect={false}
          disabled={isInherited && rule.kind === 'limit'}
          error={errorOf('priority')}
          onChange={(value) => onChange({ ...rule, priority: (value ?? 'medium') as Priority })}
        />
        {rule.kind !== 'repeated' && rule.kind !== 'technical' ? (
          <Seconds
            label="Sustained for"
            ms={rule.sustainedMs}
            error={errorOf('sustainedMs')}
            onChange={(ms) => onChange(withOptional(rule, 'sustainedMs', ms))}
          />
        ) : null}
      </div>
      {rule.kind === 'combination' && (
        <FactGroupForm
          group={rule.when}
          depth={0}
          errorOf={(field) => errorOf(`when.${field}`)}
          onChange={(when) => onChange({ ...rule, when: when as typeof rule.when })}
        />
      )}
      <TextInput
        label="What it is for"
        maxLength={500}
        value={rule.note ?? ''}
        error={errorOf('note')}
        onChange={(event) => onChange(withOptional(rule, 'note', event.target.value || undefined))}
      />
    </div>
  );
}

type FieldProps = Parameters<typeof RuleForm>[0];

function KindFields({ rule, isInherited, others, errorOf, onChange }: FieldProps) {
  switch (rule.kind) {
    case 'limit':
      return (
        <>
          <VitalField rule={rule} isFixed={isInherited} onChange={(vital) => onChange({ ...rule, vital })} />
          <Select
            label="Side"
            data={SIDES}
            value={rule.comparison}
            allowDeselect={false}
            disabled={isInherited}
            onChange={(value) => onChange({ ...rule, comparison: value === 'below' ? 'below' : 'above' })}
          />
          <Value
            label="Limit"
            vital={rule.vital}
            value={rule.limit}
            error={errorOf('limit')}
            onChange={(limit) => onChange({ ...rule, limit: limit ?? 0 })}
          />
          <Value
            label="Clears at (hysteresis)"
            vital={rule.vital}
            value={rule.clearAt}
            error={errorOf('clearAt')}
            onChange={(clearAt) => onChange(withOptional(rule, 'clearAt', clearAt))}
          />
        </>
      );
    case 'change':
      return (
        <>
          <VitalField rule={rule} isFixed={isInherited} onChange={(vital) => onChange({ ...rule, vital })} />
          <Select
            label="Direction"
            data={['rise', 'fall']}
            value={rule.direction}
            allowDeselect={false}
            onChange={(value) => onChange({ ...rule, direction: value === 'fall' ? 'fall' : 'rise' })}
          />
          <Value
            label="By at least"
            vital={rule.vital}
            value={rule.by}
            error={errorOf('by')}
            onChange={(by) => onChange({ ...rule, by: by ?? 0 })}
          />
          <Minutes
            label="Within"
            ms={rule.windowMs}
            error={errorOf('windowMs')}
            onChange={(windowMs) => onChange({ ...rule, windowMs })}
          />
        </>
      );
    case 'repeated':
      return (
        <>
          <Select
            label="When this rule begins again"
            data={others
              .filter(({ kind }) => kind !== 'repeated')
              .map((other) => ({ value: other.id, label: `${ruleText(other)} (${other.priority})` }))}
            value={rule.rule}
            searchable
            error={errorOf('rule')}
            onChange={(value) => onChange({ ...rule, rule: value ?? rule.rule })}
          />
          <NumberInput
            label="From the … time on"
            min={2}
            max={20}
            value={rule.times}
            error={errorOf('times')}
            onChange={(value) => onChange({ ...rule, times: Number(value) })}
          />
          <Minutes
            label="Within"
            ms={rule.windowMs}
            error={errorOf('windowMs')}
            onChange={(windowMs) => onChange({ ...rule, windowMs })}
          />
        </>
      );
    case 'news2':
      return (
        <>
          <NumberInput
            label="Score of at least"
            description={rule.single3 === true ? 'Any single parameter scores 3' : undefined}
            min={1}
            max={20}
            disabled={rule.single3 === true}
            value={rule.atLeast ?? ''}
            error={errorOf('atLeast')}
            onChange={(value) => onChange({ ...rule, atLeast: Number(value) })}
          />
          {rule.single3 !== true && (
            <NumberInput
              label="Over at a score of"
              placeholder="just below"
              min={0}
              max={19}
              value={rule.clearAt ?? ''}
              error={errorOf('clearAt')}
              onChange={(value) =>
                onChange(withOptional(rule, 'clearAt', typeof value === 'number' ? value : undefined))
              }
            />
          )}
          <Minutes
            label="Over only after"
            ms={rule.clearAfterMs ?? 0}
            error={errorOf('clearAfterMs')}
            onChange={(ms) => onChange(withOptional(rule, 'clearAfterMs', ms > 0 ? ms : undefined))}
          />
        </>
      );
    case 'technical':
      if (rule.condition !== 'battery') return null;
      return (
        <NumberInput
          label="Battery below"
          suffix=" %"
          min={0}
          max={100}
          value={rule.below === undefined ? '' : Math.round(rule.below * 100)}
          error={errorOf('below')}
          onChange={(value) => onChange({ ...rule, below: Number(value) / 100 })}
        />
      );
    case 'combination':
      return null;
    default:
      return rule satisfies never;
  }
}

function VitalField({
  rule,
  isFixed,
  onChange,
}: {
  readonly rule: { readonly vital: Vital };
  readonly isFixed: boolean;
  readonly onChange: (vital: Vital) => void;
}) {
  return (
    <Select
      label="Vital"
      data={VITALS}
      value={rule.vital}
      allowDeselect={false}
      disabled={isFixed}
      onChange={(value) => onChange((value ?? rule.vital) as Vital)}
    />
  );
}

export function Value({
  label,
  vital,
  value,
  error,
  onChange,
  isLabelHidden = false,
}: {
  readonly label: string;
  readonly vital: string;
  readonly value: number | undefined;
  readonly error: string | undefined;
  readonly onChange: (value: number | undefined) => void;
  readonly isLabelHidden?: boolean;
}) {
  const shown = vitalOf(vital);
  return (
    <NumberInput
      {...(isLabelHidden ? { 'aria-label': label } : { label })}
      value={value ?? ''}
      decimalScale={shown?.decimals ?? 1}
      step={shown?.decimals === 1 ? 0.1 : 1}
      suffix={` ${shown?.unit ?? ''}`}
      error={error}
      onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
    />
  );
}

function Seconds({
  label,
  ms,
  error,
  onChange,
}: {
  readonly label: string;
  readonly ms: number | undefined;
  readonly error: string | undefined;
  readonly onChange: (ms: number | undefined) => void;
}) {
  return (
    <NumberInput
      label={label}
      min={0}
      max={3_600}
      suffix=" s"
      placeholder="at once"
      value={ms === undefined ? '' : ms / 1_000}
      error={error}
      onChange={(value) => onChange(typeof value === 'number' && value > 0 ? Math.round(value * 1_000) : undefined)}
    />
  );
}

function Minutes({
  label,
  ms,
  error,
  onChange,
}: {
  readonly label: string;
  readonly ms: number;
  readonly error: string | undefined;
  readonly onChange: (ms: number) => void;
}) {
  return (
    <NumberInput
      label={label}
      min={0}
      suffix=" min"
      decimalScale={1}
      value={ms / 60_000}
      error={error}
      onChange={(value) => onChange(Math.round(Number(value) * 60_000))}
    />
  );
}

/** With the member, or without it: absent is not the same as undefined on the wire. */
export function withOptional<Rule extends object>(rule: Rule, key: string, value: unknown): Rule {
  const { [key as keyof Rule]: _, ...rest } = rule;
  return (value === undefined ? rest : { ...rest, [key]: value }) as Rule;
}
