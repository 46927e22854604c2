import type { Escalation, EscalationStep } from '@healthsync/contracts/escalation';
import { describe, expect, it } from 'vitest';
import { stepsShown } from './escalation.ts';

const at = (minute: number) => `2026-11-22T01:${String(minute).padStart(2, '0')}:00.000Z`;
const step = (name: EscalationStep['step'], state: EscalationStep['state'], minute: number, repeat = 1) =>
  ({ step: name, repeat, state, at: at(minute), recipients: [], warnings: [] }) satisfies EscalationStep;

function shown(...steps: EscalationStep[]): string[] {
  const escalation = { alarmId: 'A', state: 'running', rounds: [{ steps }] } as unknown as Escalation;
  return stepsShown(escalation, Date.parse(at(10))).map(({ step, repeat, state }) => `${step} ${repeat} ${state}`);
}

describe('the ladder', () => {
  it('shows who has been told beside the repeat that is to come', () => {
    expect(shown(step('everyone', 'waiting', 5), step('everyone', 'planned', 12, 2))).toEqual([
      'everyone 1 waiting',
      'everyone 2 planned',
    ]);
  });

  it('does not show a repeat to come that would reach nobody as one that happened', () => {
    expect(shown(step('everyone', 'waiting', 5), step('everyone', 'skipped', 12, 2))[0]).toBe('everyone 1 waiting');
  });

  it('shows a step that was repeated once, as it was last', () => {
    expect(shown(step('everyone', 'told', 2), step('everyone', 'waiting', 7, 2))).toEqual(['everyone 2 waiting']);
  });
});
