import type { LimitRule, PatientLimits, PutLimits } from '@healthsync/contracts/patient';
import { Alert, Button, Modal, NumberInput, Select, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, api, problemText } from '../api.ts';
import { SHOWN_VITALS, vitalOf } from './vital-signs.ts';

interface Draft {
  readonly key: number;
  readonly vital: string;
  readonly comparison: 'above' | 'below';
  readonly priority: 'high' | 'medium' | 'low';
  readonly limit: number | '';
  readonly isOn: boolean;
  /** The default it stands for: can be switched off or changed, not taken away; sent only if it differs. */
  readonly standard: LimitRule | undefined;
}

let nextKey = 1;

/** Which values ring for this patient. A change needs a reason, which is kept with the name of who made it. */
export function LimitsDialog({
  patientId,
  limits,
  onClose,
}: {
  readonly patientId: string;
  readonly limits: readonly LimitRule[];
  readonly onClose: () => void;
}) {
  const queries = useQueryClient();
  const [rows, setRows] = useState<readonly Draft[]>(() => limits.map(toDraft));
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const sent = rows.filter(isOwn);
  const errors = problem instanceof ApiProblem ? (problem.problem.errors ?? []) : [];
  const errorOf = (field: string) => errors.find((error) => error.field === field)?.detail;

  const rowError = (index: number) =>
    errors.find(({ field }) => field === `rules.${index}` || field.startsWith(`rules.${index}.`))?.detail;

  async function save(): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      const body: PutLimits = { reason: reason.trim(), rules: sent.map(toRule) };
      await api<PatientLimits>(`/api/patients/${encodeURIComponent(patientId)}/limits`, { method: 'PUT', body });
      await queries.invalidateQueries({ queryKey: ['patient', patientId] });
      onClose();
    } catch (error) {
      // The draft stays as it is, to be mended and sent again.
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  const change = (key: number, part: Partial<Draft>) =>
    setRows(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const isComplete = reason.trim().length >= 3 && rows.every((row) => row.limit !== '');

  return (
    <Modal opened onClose={onClose} title="Limits of this patient" size="xl" lockScroll={false}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {problem !== undefined && (
          <Alert color="red" variant="filled" role="alert" mb="md">
            {errors.length > 0 ? 'Not saved: see what is marked.' : `Not saved: ${problemText(problem)}`}
          </Alert>
        )}
        <div className="limit-rows">
          {rows.map((row) => (
            <LimitRow
              key={row.key}
              row={row}
              error={rowError(sent.indexOf(row))}
              onChange={(part) => change(row.key, part)}
              onRemove={() => setRows(rows.filter((other) => other.key !== row.key))}
            />
          ))}
        </div>
        <Button
          variant="default"
          size="compact-sm"
          mt="sm"
          onClick={() => setRows([...rows, { ...NEW, key: nextKey++ }])}
        >
          Add a limit
        </Button>
        <Textarea
          label="Reason"
          description="Kept with the change and your name"
          required
          autosize
          minRows={2}
          mt="md"
          maxLength={500}
          value={reason}
          error={errorOf('reason')}
          onChange={(event) => setReason(event.target.value)}
        />
        <div className="row dialog-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy} disabled={!isComplete}>
            Save limits
          </Button>
        </div>
      </form>
    </Modal>
  );
}

const SIDES = [
  { value: 'above', label: 'above' },
  { value: 'below', label: 'below' },
];
const PRIORITIES = ['high', 'medium', 'low'];
const VITALS = SHOWN_VITALS.map(({ vital, label }) => ({ value: vital, label }));
const NEW: Omit<Draft, 'key'> = {
  vital: 'heartRate',
  comparison: 'below',
  priority: 'medium',
  limit: '',
  isOn: true,
  standard: undefined,
};

function LimitRow({
  row,
  error,
  onChange,
  onRemove,
}: {
  readonly row: Draft;
  readonly error: string | undefined;
  readonly onChange: (part: Partial<Draft>) => void;
  readonly onRemove: () => void;
}) {
  const vital = vitalOf(row.vital);
  return (
    <fieldset className="limit-row" data-off={!row.isOn || undefined}>
      <legend className="unseen">{vital?.label} limit</legend>
      {row.standard !== undefined ? (
        <strong className="limit-fixed">
          {vital?.label} {row.comparison}
        </strong>
      ) : (
        <>
          <Select
            aria-label="Vital"
            data={VITALS}
            value={row.vital}
            allowDeselect={false}
            onChange={(value) => onChange({ vital: value ?? row.vital })}
          />
          <Select
            aria-label="Side"
            data={SIDES}
            value={row.comparison}
            allowDeselect={false}
            onChange={(value) => onChange({ comparison: value === 'above' ? 'above' : 'below' })}
          />
        </>
      )}
      <NumberInput
        aria-label={`${vital?.label} ${row.comparison}`}
        value={row.limit}
        decimalScale={vital?.decimals ?? 0}
        suffix={` ${vital?.unit ?? ''}`}
        error={error}
        onChange={(value) => onChange({ limit: typeof value === 'number' ? value : '' })}
      />
      {row.standard !== undefined ? (
        <span className="soft">{row.priority}</span>
      ) : (
        <Select
          aria-label="Priority"
          data={PRIORITIES}
          value={row.priority}
          allowDeselect={false}
          onChange={(value) => onChange({ priority: (value ?? 'medium') as Draft['priority'] })}
        />
      )}
      <label className="check">
        <input type="checkbox" checked={row.isOn} onChange={() => onChange({ isOn: !row.isOn })} /> On
      </label>
      {row.standard !== undefined ? (
        <span />
      ) : (
        <Button variant="subtle" size="compact-sm" color="gray" onClick={onRemove} aria-label="Remove this limit">
          ✕
        </Button>
      )}
    </fieldset>
  );
}

function toDraft(rule: LimitRule): Draft {
  const { vital, comparison, priority, limit } = rule;
  return {
    key: nextKey++,
    vital,
    comparison,
    priority,
    limit,
    isOn: rule.off !== true,
    standard: rule.source === 'default' ? rule : undefined,
  };
}

/** An untouched default stays the default, and follows it if the house changes it. */
function isOwn({ standard, limit, isOn }: Draft): boolean {
  return standard === undefined || limit !== standard.limit || !isOn;
}

function toRule({ vital, comparison, priority, limit, isOn }: Draft): PutLimits['rules'][number] {
  return { vital, comparison, priority, limit: Number(limit), ...(!isOn && { off: true }) };
}
