import { Escalation, EscalationPreview, PostEscalate } from '@healthsync/contracts/escalation';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Alarm } from '../../domain/alarm.ts';
import { parseNote } from '../../domain/alarm-note.ts';
import { PUSH_AGAIN_MS, stepAfter } from '../../domain/escalation-round.ts';
import { escalationInput } from '../../domain/escalation-times.ts';
import { parseAlarmId, parsePatientId } from '../../domain/ids.ts';
import { type PlannedStep, previewEscalation, upcomingSteps } from '../../escalation/preview.ts';
import { escalatedAlarm } from '../../escalation/tell-task.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { ToldRound } from '../../ports/escalations.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { may } from '../caller.ts';
import { toPlannedStep, toToldStep } from '../escalation-shape.ts';
import { wardOfAlarm } from '../live/places.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { NameOf } from '../rota-shape.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { seesPatient, visiblePatient } from '../ward-scope.ts';
import { registerEscalationNext } from './escalation-next.ts';
import { placeOfAlarm } from './escalation-place.ts';
import type { EscalationServices } from './escalation-services.ts';
import { Id, IdPath, Instant, parseInstant } from './parameters.ts';
import { namesIn } from './rota-reading.ts';

const PreviewQuery = Type.Object(
  {
    patient: Id,
    priority: Type.Optional(Type.Enum(['high', 'medium', 'low'])),
    kind: Type.Optional(Type.Enum(['physiological', 'technical'])),
    at: Type.Optional(Instant),
  },
  { additionalProperties: false },
);

/** Who was told of an alarm, who comes next and when; who would be told if one rang; and pushing it on. */
export function registerEscalation(app: FastifyInstance, services: EscalationServices): void {
  const api = app as unknown as Api;
  const { alarms, escalations, deliveries, directory, definitions, times, act, view, now } = services;
  const tags = ['escalation'];
  registerEscalationNext(app, services);

  api.get(
    '/api/alerts/:id/escalation',
    {
      config: { action: 'alarm.read' },
      schema: {
        summary: 'Who was told of an alarm, step by step, and who is next',
        tags,
        params: IdPath,
        response: { 200: Escalation },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const alarm = await visibleAlarm(principal, request.params.id);
      return alarm === undefined ? notFound(reply, 'alarm') : reply.send(await shown(alarm, principal));
    },
  );

  api.post(
    '/api/alerts/:id/escalate',
    {
      config: { action: 'alarm.escalate' },
      schema: {
        summary: 'Tell the next step now',
        tags,
        params: IdPath,
        body: PostEscalate,
        response: { 200: Escalation },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const alarm = await visibleAlarm(principal, request.params.id);
      if (alarm === undefined) return notFound(reply, 'alarm');
      const { reason = '' } = request.body;
      const note = reason.trim() === '' ? undefined : parseNote(reason);
      if (reason.trim() !== '' && note === undefined)
        return invalid(reply, [{ code: 'invalid-value', field: 'reason', detail: 'must be readable text' }]);
      const last = (await escalations.rounds(alarm.id)).at(-1);
      const running = last?.end === undefined ? last : undefined;
      if (running?.step !== undefined && running.step !== 'nurse' && now() - (running.toldAtMs ?? 0) < PUSH_AGAIN_MS)
        return sendProblem(reply, {
          status: 409,
          code: 'escalated-just-now',
          detail: 'The next were told a moment ago: give them a moment to answer.',
          retryAfterMs: PUSH_AGAIN_MS - (now() - (running.toldAtMs ?? 0)),
        });
      const step = running?.step === undefined ? 'charge-nurse-and-doctor' : stepAfter(running.step);
      const who = { by: signatureOf(principal), byId: principal.userId };
      const outcome = await act({ id: alarm.id, act: { kind: 'escalate', step }, ...who });
      if (outcome.kind === 'not-found') return notFound(reply, 'alarm');
      if (outcome.kind === 'refused')
        return sendProblem(reply, {
          status: 409,
          code: outcome.reason,
          detail:
            outcome.reason === 'already-resolved'
              ? 'This alarm is over.'
              : `${outcome.alarm.owner ?? 'Somebody'} has it.`,
        });
      if (note !== undefined) await act({ id: alarm.id, act: { kind: 'note', note }, ...who });
      return reply.send(await shown(outcome.change.alarm, principal));
    },
  );

  api.get(
    '/api/escalation/preview',
    {
      config: { action: 'rota.read' },
      schema: {
        summary: 'Who would be told, and when, if an alarm of this patient rang now',
        tags,
        querystring: PreviewQuery,
        response: { 200: EscalationPreview },
      },
    },
    async (request, reply) => {
      const { patient, priority = 'high', kind = 'physiological', at } = request.query;
      const principal = principalOf(request);
      const patientId = parsePatientId(patient);
      // Whoever plans rotas without looking after patients does not learn here who lies where.
      const mayRead = patientId !== undefined && may(principal, 'patient.read', { kind: 'patient', patientId });
      const place = mayRead ? visiblePatient(principal, view(), patientId) : undefined;
      if (place === undefined) return notFound(reply, 'patient');
      const atMs = at === undefined ? now() : parseInstant(at);
      if (atMs === undefined)
        return invalid(reply, [{ code: 'invalid-time', field: 'at', detail: 'must be RFC 3339 with a zone, or ms' }]);
      const { id, wardId, bedId, bed } = place;
      const here = {
        ...(wardId !== undefined && { wardId }),
        ...(bedId !== undefined && { bedId }),
        ...(bed !== undefined && { bed }),
      };
      const world = await directory.worldOf(here);
      const alarm = {
        ...here,
        patientId: id,
        priority,
        kind,
        rule: kind === 'technical' ? 'technical.lost' : 'preview',
      };
      const { definition, steps } = previewEscalation(alarm, world, { definitions, times, atMs });
      return reply.send({
        patientId: id,
        priority,
        at: rfc3339(atMs),
        ...(definition !== undefined && { definition }),
        steps: steps.map((step) => toPlannedStep(step, namesIn(world))),
      });
    },
  );

  async function visibleAlarm(principal: Principal, text: string): Promise<Alarm | undefined> {
    const id = parseAlarmId(text);
    const alarm = id && (await alarms.find(id));
    return alarm !== undefined && seesPatient(principal, alarm.patientId, wardOfAlarm(view(), alarm))
      ? alarm
      : undefined;
  }

  async function shown(alarm: Alarm, principal: Principal): Promise<Escalation> {
    const here = escalatedAlarm(alarm, placeOfAlarm(view(), alarm));
    const [rounds, sent, world] = await Promise.all([
      escalations.rounds(alarm.id),
      deliveries(alarm.id),
      directory.worldOf(here),
    ]);
    // A wall on the corridor shows how far it has come, not whose phone rang.
    const isStaff = may(principal, 'rota.read');
    const nameOf: NameOf = isStaff ? namesIn(world) : () => undefined;
    const records = new Map(sent.flatMap((each) => (each.dedupeKey === undefined ? [] : [[each.dedupeKey, each]])));
    const last = rounds.at(-1);
    const planned = last === undefined || last.end !== undefined ? [] : stillToCome(last);
    return {
      alarmId: alarm.id,
      ...(alarm.owner !== undefined && { owner: alarm.owner }),
      state: last === undefined ? 'none' : last.end === undefined ? 'running' : 'ended',
      ...(planned[0] !== undefined && { next: { step: planned[0].step, at: rfc3339(planned[0].atMs) } }),
      rounds: rounds.map((round) => ({
        round: round.round,
        definition: round.definition,
        execution: round.execution,
        startedAt: rfc3339(round.startedAtMs),
        startedBy: round.startedBy,
        ...(round.endedAtMs !== undefined && { endedAt: rfc3339(round.endedAtMs) }),
        ...(round.end !== undefined && { end: round.end }),
        ...(round.endedBy !== undefined && { endedBy: round.endedBy }),
        steps: [
          ...round.steps.map((step) => toToldStep(step, round, records, nameOf)),
          ...(round === last ? planned.map((step) => toPlannedStep(step, nameOf)) : []),
        ].map((step) => (isStaff ? step : withoutPeople(step))),
      })),
    };

    function stillToCome(round: ToldRound): readonly PlannedStep[] {
      const definition = definitions.get(round.definition);
      if (definition === undefined) return [];
      const waiting = round.steps.findLast(({ step }) => step === round.step);
      return upcomingSteps(here, world, {
        definition,
        input: escalationInput(round, times),
        atMs: now(),
        ...(waiting !== undefined && {
          waiting: { ...waiting, untilMs: round.dueAtMs ?? waiting.untilMs ?? waiting.atMs },
        }),
      });
    }
  }
}

function withoutPeople(step: Escalation['rounds'][number]['steps'][number]) {
  return { ...step, recipients: step.recipients.map(({ userId, name, ...rest }) => rest) };
}
