import type { RuleInput } from '@healthsync/contracts/rule';
import { Menu } from '@mantine/core';
import { idFor } from './rule-words.ts';

const face = { id: '', priority: 'medium' } as const;

/** A sensible beginning of each kind, to be changed at once. */
const BEGINNINGS: readonly (readonly [label: string, hint: string, rule: RuleInput])[] = [
  [
    'Limit',
    'a vital above or below, for so long',
    { ...face, kind: 'limit', vital: 'heartRate', comparison: 'above', limit: 130, sustainedMs: 15_000 },
  ],
  [
    'Change',
    'rises or falls by so much within a time',
    { ...face, kind: 'change', vital: 'heartRate', direction: 'rise', by: 30, windowMs: 600_000 },
  ],
  [
    'Repeated',
    'the same alarm again and again becomes more urgent',
    { ...face, kind: 'repeated', priority: 'high', rule: 'spo2.below.high', times: 3, windowMs: 3_600_000 },
  ],
  [
    'Combination',
    'several facts at once: all, any, or so many of them',
    {
      ...face,
      kind: 'combination',
      when: {
        atLeast: 2,
        of: [
          { vital: 'respiratoryRate', comparison: 'above', limit: 21 },
          { vital: 'systolic', comparison: 'below', limit: 101 },
          { consciousness: ['C', 'V', 'P', 'U'] },
        ],
      },
    },
  ],
  ['NEWS2', 'the score reaches a number', { ...face, kind: 'news2', atLeast: 5 }],
];

export function NewRule({
  taken,
  onAdd,
}: {
  readonly taken: ReadonlySet<string>;
  readonly onAdd: (rule: RuleInput) => void;
}) {
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <button type="button" className="plain-button">
          Add a rule ▾
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {BEGINNINGS.map(([label, hint, rule]) => (
          <Menu.Item key={label} onClick={() => onAdd({ ...rule, id: idFor(rule, taken) })}>
            <strong>{label}</strong> <span className="soft">{hint}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
