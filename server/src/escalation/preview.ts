import type { Alarm } from '../domain/alarm.ts';
import {
  ESCALATION_STEPS,
  type EscalatedAlarm,
  type EscalationStep,
  type EscalationWorld,
  planStep,
  type StepPlan,
} from '../domain/escalation.ts';
import { definitionFor, type EscalationDefinition } from '../domain/escalation-round.ts';
import { type EscalationInput, type EscalationTimes, escalationInput } from '../domain/escalation-times.ts';
import type { AlarmId } from '../domain/ids.ts';
import type { Definition } from '../workflow/language/definition.ts';
import { advanceExecution, beginExecution, type Step } from '../workflow/language/interpret.ts';
import type { Json } from '../workflow/language/json.ts';
import { isObject } from './task-payload.ts';

/** What a step would do, if nobody answered and nothing changed. */
export interface PlannedStep extends StepPlan {
  readonly step: EscalationStep;
  readonly repeat: number;
  readonly atMs: number;
  /** Until when it waits; absent: nobody can be told, and the next step comes at once. */
  readonly untilMs?: number;
}

/**
 * Who would be told, when, if this rang now and nobody answered. It is the definition itself that is walked, by the
 * interpreter that runs it, on a clock of its own; and each step asks `planStep`, as the running one does. So it cannot
 * promise what would not happen.
 */
export function previewEscalation(
  alarm: EscalatedAlarm & Pick<Alarm, 'rule'>,
  world: EscalationWorld,
  from: {
    readonly definitions: ReadonlyMap<EscalationDefinition, Definition>;
    readonly times: EscalationTimes;
    readonly atMs: number;
    /** As a person begins it where nothing runs: the one for high alarms if there is none for such, beyond the nurse. */
    readonly byPerson?: boolean;
  },
): { readonly definition?: EscalationDefinition; readonly steps: readonly PlannedStep[] } {
  const byPerson = from.byPerson === true;
  const name = definitionFor(alarm) ?? (byPerson ? 'escalation-high' : undefined);
  const definition = name === undefined ? undefined : from.definitions.get(name);
  if (name === undefined || definition === undefined) return { steps: [] };
  const fromStep = byPerson ? 'charge-nurse-and-doctor' : 'nurse';
  const begin = { alarmId: PREVIEW, round: 1, fromStep, definition: name } as const;
  const input = escalationInput(begin, from.times);
  return { definition: name, steps: walk(definition, input, from.atMs, (at) => planStep(at, alarm, world)) };
}

/** The steps still to come of one that runs: from the step after the one that waits now. */
export function upcomingSteps(
  alarm: EscalatedAlarm,
  world: EscalationWorld,
  from: {
    readonly definition: Definition;
    readonly input: EscalationInput;
    /** The step it waits at, and until when; absent: it has told nobody yet. */
    readonly waiting?: { readonly step: EscalationStep; readonly repeat: number; readonly untilMs: number };
    readonly atMs: number;
  },
): readonly PlannedStep[] {
  const { definition, input, waiting, atMs } = from;
  if (waiting === undefined) return walk(definition, input, atMs, (at) => planStep(at, alarm, world));
  // From the step that waits, as if it were told only now and at once in vain.
  const fromThere = { ...input, fromStep: waiting.step, repeat: waiting.repeat };
  const untilMs = Math.max(waiting.untilMs, atMs);
  let isFirst = true;
  const steps = walk(definition, fromThere, untilMs, (at) => {
    if (!isFirst) return planStep(at, alarm, world);
    isFirst = false;
    return 'pushed';
  });
  return steps;
}

/** Steps of a preview: the ladder once, and how it repeats. */
const STEPS_MAX = 6;
/** A definition that goes round without telling anybody is a defect; the walk ends all the same. */
const MOVES_MAX = 200;
const PREVIEW = 'preview' as AlarmId;
/** Nothing random is in an escalation that fails nowhere. */
const SEED = [0, 0, 0, 0] as const;

type Plan = (at: {
  readonly step: EscalationStep;
  readonly atMs: number;
  readonly isLast: boolean;
}) => StepPlan | 'pushed';

function walk(definition: Definition, input: EscalationInput, startMs: number, plan: Plan): readonly PlannedStep[] {
  const of = { id: `${definition.name}:preview`, name: 'preview', definition: definition.name, startedAtMs: startMs };
  const steps: PlannedStep[] = [];
  let atMs = startMs;
  let now: Step = beginExecution(definition, of, input as unknown as Json, { atMs, seed: SEED });
  for (let moves = 0; moves < MOVES_MAX && steps.length < STEPS_MAX && now.execution.thread !== undefined; moves++) {
    const [task] = now.tasks;
    const moment = () => ({ atMs, seed: SEED });
    if (task === undefined) {
      // Nothing but time moves it: the step that waits has waited in vain.
      if (now.wakeAtMs === undefined) break;
      atMs = Math.max(atMs, now.wakeAtMs);
      now = advanceExecution(definition, of, now.execution, { kind: 'time' }, moment());
    } else if (task.token === undefined) {
      const output = { verdict: 'breaching', isOver: true };
      now = advanceExecution(
        definition,
        of,
        now.execution,
        { kind: 'task-succeeded', task: task.task, output },
        moment(),
      );
    } else {
      const { step, repeat, isLast } = parse(task.payload);
      const planned = plan({ step, atMs, isLast });
      const answer = planned === 'pushed' ? planned : planned.recipients.length === 0 && !isLast ? 'nobody' : undefined;
      now = advanceExecution(
        definition,
        of,
        now.execution,
        answer === undefined
          ? { kind: 'task-succeeded', task: task.task, output: null }
          : { kind: 'token-succeeded', token: task.token, output: { answer } },
        moment(),
      );
      if (planned !== 'pushed')
        steps.push({
          ...planned,
          step,
          repeat,
          atMs,
          ...(answer === undefined && now.wakeAtMs !== undefined ? { untilMs: now.wakeAtMs } : {}),
        });
      // The last step repeats itself: twice shows how.
      if (isLast && repeat > input.repeat) break;
    }
  }
  return steps;
}

function parse(payload: Json) {
  const { step, repeat, isLast } = isObject(payload) ? payload : {};
  const known = ESCALATION_STEPS.find((each) => each === step);
  if (known === undefined) throw new TypeError('a step of an escalation has no name');
  return { step: known, repeat: Number(repeat), isLast: isLast === true };
}
