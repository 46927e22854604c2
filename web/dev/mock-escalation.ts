import type { Alert, AlertHistoryEntry } from '@healthsync/contracts/alert';
import type { Escalation, EscalationPreview, EscalationStep } from '@healthsync/contracts/escalation';
import type { ExecutionHistory, ExecutionList } from '@healthsync/contracts/workflow';

const iso = (ms: number) => new Date(ms).toISOString();
const STEPS = [
  ['nurse', 0, [['kim', 'Kim Larsen', 'nurse', 'push', 'nurse of the bed, night shift']]],
  [
    'charge-nurse-and-doctor',
    10,
    [
      ['rui', 'Rui Tavares', 'charge-nurse', 'sms', 'charge nurse of the ward'],
      ['ama', 'Dr Ama Osei', 'doctor', 'mail', 'doctor of the ward'],
    ],
  ],
  ['on-call', 15, [['jan', 'Dr Jan Brandt', 'on-call', 'sms', 'on call: Doctors at night, first']]],
  ['everyone', 20, [['all', 'Ward 3', 'everyone', 'push', 'everyone of the ward']]],
] as const;

/** An escalation as it would stand at `now`, for an alarm that nobody has taken; `pushed` steps were told by hand. */
export function mockEscalation(alert: Alert, now: number, pushed: number): Escalation {
  const raised = Date.parse(alert.raisedAt);
  const isTaken = alert.acknowledgedAt !== undefined;
  const end = isTaken ? Date.parse(alert.acknowledgedAt ?? '') : now;
  const steps = STEPS.map(([step, minutes], place): EscalationStep => {
    const at = raised + minutes * 60_000;
    const isTold = at <= end || place <= pushed;
    return { ...planned(place, at, isTold), state: isTold ? 'told' : 'planned', step };
  });
  const next = steps.find(({ state }) => state === 'planned');
  const isNone = alert.kind === 'technical' && alert.priority === 'low';
  return {
    alarmId: alert.id,
    ...(alert.owner !== undefined && { owner: alert.owner }),
    state: isNone ? 'none' : isTaken ? 'ended' : 'running',
    ...(!isTaken && next !== undefined && { next: { step: next.step, at: next.at } }),
    rounds: isNone
      ? []
      : [
          {
            round: 1,
            definition: 'escalation',
            execution: `escalation:${alert.id}`,
            startedAt: alert.raisedAt,
            startedBy: 'raised',
            ...(isTaken && { endedAt: iso(end), end: 'acknowledged' as const, endedBy: alert.owner ?? '' }),
            steps,
          },
        ],
  };
}

function planned(place: number, at: number, isTold: boolean): EscalationStep {
  const [step, , people] = STEPS[place] ?? STEPS[0];
  return {
    step,
    repeat: 1,
    state: 'planned',
    at: iso(at),
    until: iso(at + 600_000),
    recipients: people.map(([userId, name, role, channel, why]) => ({
      userId,
      name,
      role,
      channel,
      why,
      state: !isTold
        ? ('planned' as const)
        : userId === 'rui'
          ? ('failed' as const)
          : place === 0
            ? ('read' as const)
            : ('delivered' as const),
      ...(isTold && { updatedAt: iso(at + 2_400) }),
    })),
    warnings: place === 1 ? [{ code: 'unreachable', userId: 'rui', text: 'Rui Tavares has no verified contact.' }] : [],
  };
}

export function mockPreview(patientId: string, priority: Alert['priority'], now: number): EscalationPreview {
  return {
    patientId,
    priority,
    at: iso(now),
    definition: 'escalation',
    steps: STEPS.map(([, minutes], place) => planned(place, now + minutes * 60_000, false)),
  };
}

/** Whom a push would tell now: from the step after the last that was told. */
export function mockNext(alert: Alert, now: number, pushed: number): EscalationPreview {
  const { rounds } = mockEscalation(alert, now, pushed);
  const told = rounds.at(-1)?.steps.filter(({ state }) => state === 'told').length ?? 1;
  const from = Math.min(Math.max(told, 1), STEPS.length - 1);
  const first = STEPS[from]?.[1] ?? 0;
  return {
    patientId: alert.patientId,
    priority: alert.priority,
    at: iso(now),
    definition: 'escalation',
    steps: STEPS.slice(from).map(([step, minutes], place) => ({
      ...planned(from + place, now + (minutes - first) * 60_000, false),
      step,
    })),
  };
}

export function mockHistory(alert: Alert): AlertHistoryEntry[] {
  const base = { priority: alert.priority, condition: 'present' as const };
  return [
    { ...base, at: alert.raisedAt, change: 'raised', text: alert.cause.text },
    ...(alert.endedAt === undefined
      ? []
      : [{ ...base, at: alert.endedAt, change: 'ended' as const, condition: 'ended' as const }]),
    ...(alert.snooze === undefined
      ? []
      : [{ ...base, at: alert.snooze.at, change: 'snoozed' as const, by: alert.snooze.by, until: alert.snooze.until }]),
    ...(alert.acknowledgedAt === undefined
      ? []
      : [{ ...base, at: alert.acknowledgedAt, change: 'acknowledged' as const, by: alert.acknowledgedBy ?? '' }]),
  ];
}

export function mockExecutions(alerts: readonly Alert[]): ExecutionList {
  return {
    executions: alerts.map((alert) => ({
      id: `escalation:${alert.id}`,
      definition: 'escalation',
      name: alert.id,
      status: alert.acknowledgedAt === undefined ? ('RUNNING' as const) : ('SUCCEEDED' as const),
      startedAt: alert.raisedAt,
      ...(alert.acknowledgedAt === undefined
        ? { wakeAt: iso(Date.parse(alert.raisedAt) + 600_000) }
        : { endedAt: alert.acknowledgedAt }),
    })),
  };
}

export function mockExecution(alert: Alert): ExecutionHistory {
  const [execution] = mockExecutions([alert]).executions;
  if (execution === undefined) throw new Error('no execution');
  const at = Date.parse(alert.raisedAt);
  const event = (id: number, ms: number, type: string, more: object = {}) => ({
    id,
    previousEventId: id - 1,
    timestamp: iso(at + ms),
    type,
    ...more,
  });
  return {
    execution: { ...execution, input: { alarmId: alert.id, patientId: alert.patientId } },
    current: execution.status === 'RUNNING' ? ['WaitForAnswer'] : [],
    events: [
      event(1, 0, 'ExecutionStarted', { input: { alarmId: alert.id } }),
      event(2, 1, 'TaskStateEntered', { state: 'TellNurse', input: { alarmId: alert.id } }),
      event(3, 2, 'TaskScheduled', { state: 'TellNurse', resource: 'healthsync:tell' }),
      event(4, 40, 'TaskSucceeded', { state: 'TellNurse', output: { told: 1 } }),
      event(5, 41, 'TaskStateExited', { state: 'TellNurse' }),
      event(6, 42, 'WaitStateEntered', { state: 'WaitForAnswer' }),
    ],
  };
}
