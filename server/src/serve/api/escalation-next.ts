import { EscalationPreview } from '@healthsync/contracts/escalation';
import type { FastifyInstance } from 'fastify';
import type { Alarm } from '../../domain/alarm.ts';
import { escalationInput } from '../../domain/escalation-times.ts';
import { parseAlarmId } from '../../domain/ids.ts';
import { type PlannedStep, previewEscalation, upcomingSteps } from '../../escalation/preview.ts';
import { escalatedAlarm } from '../../escalation/tell-task.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { toPlannedStep } from '../escalation-shape.ts';
import { wardOfAlarm } from '../live/places.ts';
import { notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';
import { seesPatient } from '../ward-scope.ts';
import { placeOfAlarm } from './escalation-place.ts';
import type { EscalationServices } from './escalation-services.ts';
import { IdPath } from './parameters.ts';
import { namesIn } from './rota-reading.ts';

/** Whom a push would tell, asked before it is done: from where this escalation stands, not from its beginning. */
export function registerEscalationNext(
  app: FastifyInstance,
  services: Pick<EscalationServices, 'alarms' | 'escalations' | 'definitions' | 'times' | 'view' | 'now'> & {
    readonly directory: Pick<EscalationServices['directory'], 'worldOf'>;
  },
): void {
  const api = app as unknown as Api;
  const { alarms, escalations, directory, definitions, times, view, now } = services;

  api.get(
    '/api/alerts/:id/escalation/next',
    {
      config: { action: 'alarm.escalate' },
      schema: {
        summary: 'Who would be told now, and after them, if a person escalated this alarm',
        tags: ['escalation'],
        params: IdPath,
        response: { 200: EscalationPreview },
      },
    },
    async (request, reply) => {
      const id = parseAlarmId(request.params.id);
      const alarm = id && (await alarms.find(id));
      if (!alarm || !seesPatient(principalOf(request), alarm.patientId, wardOfAlarm(view(), alarm)))
        return notFound(reply, 'alarm');
      if (alarm.state === 'resolved')
        return sendProblem(reply, { status: 409, code: 'already-resolved', detail: 'This alarm is over.' });
      if (alarm.acknowledgedAtMs !== undefined) {
        const detail = `${alarm.owner ?? 'Somebody'} has it.`;
        return sendProblem(reply, { status: 409, code: 'already-acknowledged', detail });
      }
      const here = escalatedAlarm(alarm, placeOfAlarm(view(), alarm));
      const [rounds, world] = await Promise.all([escalations.rounds(alarm.id), directory.worldOf(here)]);
      const last = rounds.at(-1);
      const running = last?.end === undefined ? last : undefined;
      const atMs = now();
      const { definition, steps } = running === undefined ? begun(alarm.rule) : pushed(running);
      return reply.send({
        patientId: alarm.patientId,
        priority: alarm.priority,
        at: rfc3339(atMs),
        ...(definition !== undefined && { definition }),
        steps: steps.map((step) => toPlannedStep(step, namesIn(world))),
      });

      function begun(rule: Alarm['rule']): { readonly definition?: string; readonly steps: readonly PlannedStep[] } {
        return previewEscalation({ ...here, rule }, world, { definitions, times, atMs, byPerson: true });
      }

      /** As if the step that waits had waited in vain until now: that is what a push does. */
      function pushed(round: NonNullable<typeof running>) {
        const definition = definitions.get(round.definition);
        if (definition === undefined) return { steps: [] };
        const waiting = round.steps.findLast(({ step }) => step === round.step);
        const input = escalationInput(round, times);
        const steps = upcomingSteps(here, world, {
          definition,
          input,
          atMs,
          ...(waiting !== undefined && { waiting: { ...waiting, untilMs: atMs } }),
        });
        return { definition: round.definition, steps };
      }
    },
  );
}
