import type { RuleInput, RuleProblem } from '@healthsync/contracts/rule';
import { useState } from 'react';
import type { DraftRow } from './rule-draft.ts';
import { RuleForm, Value } from './rule-form.tsx';
import { nameOf, originText, ruleText } from './rule-words.ts';

/** One rule: what it says, since when and by whom; its number at hand, the rest behind `More`. */
export function RuleRow({
  row: { rule, state, origin },
  mayWrite,
  others,
  errorOf,
  warnings,
  needsSecond,
  onChange,
  onRemove,
  onRestore,
}: {
  readonly row: DraftRow;
  readonly mayWrite: boolean;
  readonly others: readonly RuleInput[];
  readonly errorOf: (field: string) => string | undefined;
  readonly warnings: readonly RuleProblem[];
  readonly needsSecond: boolean;
  readonly onChange: (rule: RuleInput) => void;
  readonly onRemove: () => void;
  readonly onRestore: () => void;
}) {
  const [isOpen, setOpen] = useState(state === 'new');
  const isRemoved = state === 'removed';
  const isOff = rule.off === true;
  const words = ruleText(rule, others);
  // An error of a limit stands at its number, which is always on the page.
  const isElsewhere = ({ severity, field }: RuleProblem) =>
    !(severity === 'error' && rule.kind === 'limit' && field.endsWith('.limit'));
  return (
    <section className="rule-row" data-state={state} data-off={isOff || undefined} aria-label={words}>
      <div className="rule-line">
        <span className="badge rule-priority" data-look={rule.kind === 'technical' ? 'technical' : rule.priority}>
          {rule.priority}
        </span>
        {rule.kind === 'limit' && mayWrite && !isRemoved ? (
          <span className="rule-quick">
            <strong>
              {nameOf(rule.vital)} {rule.comparison}
            </strong>
            <Value
              label={`${nameOf(rule.vital)} ${rule.comparison}`}
              isLabelHidden
              vital={rule.vital}
              value={rule.limit}
              error={isOpen ? undefined : errorOf('limit')}
              onChange={(limit) => limit !== undefined && onChange({ ...rule, limit })}
            />
            <span className="soft">{words.split(', ').slice(1).join(', ')}</span>
          </span>
        ) : (
          <strong className="rule-words">{words}</strong>
        )}
        <span className="soft rule-origin">{originOf(state, origin)}</span>
        {mayWrite && (
          <span className="rule-tools">
            {!isRemoved && (
              <label className="check">
                <input
                  type="checkbox"
                  checked={!isOff}
                  onChange={() => {
                    const { off: _, ...on } = rule;
                    onChange((isOff ? on : { ...rule, off: true }) as RuleInput);
                  }}
                />{' '}
                On<span className="unseen">: {words}</span>
              </label>
            )}
            {isRemoved ? (
              <button type="button" className="plain-button" onClick={onRestore}>
                Keep it
              </button>
            ) : (
              <>
                <button type="button" className="plain-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                  {isOpen ? 'Less' : 'More'}
                  <span className="unseen">: {words}</span>
                </button>
                {state !== 'inherited' && (
                  <button type="button" className="plain-button" onClick={onRemove}>
                    {state === 'new' ? 'Discard' : 'Take away'}
                  </button>
                )}
              </>
            )}
          </span>
        )}
      </div>
      {rule.note !== undefined && !isOpen && <p className="soft rule-note">{rule.note}</p>}
      {isOpen && !isRemoved && (
        <RuleForm
          rule={rule}
          isInherited={state === 'inherited' || state === 'changed' || state === 'own'}
          others={others}
          errorOf={errorOf}
          onChange={onChange}
        />
      )}
      {needsSecond && <p className="rule-warning">⚖ Waits for a second person.</p>}
      {warnings.filter(isElsewhere).map(({ severity, code, field, detail }) => (
        <p key={`${code} ${field}`} className="rule-warning" data-severity={severity}>
          {severity === 'error' ? '✕' : '⚠'} {detail}
        </p>
      ))}
    </section>
  );
}

function originOf(state: DraftRow['state'], origin: DraftRow['origin']): string {
  if (state === 'new') return 'new, not saved';
  if (state === 'removed') return 'to be taken away; what it replaced holds again';
  if (state === 'changed') return `changed, not saved${origin === undefined ? '' : ` (was ${originText(origin)})`}`;
  return origin === undefined ? '' : originText(origin);
}
