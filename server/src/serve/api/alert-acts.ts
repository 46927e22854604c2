import {
  AcknowledgeAlerts,
  AcknowledgedAlerts,
  Alert,
  AlertNote,
  NewAlertNote,
  OwnAlert,
  SnoozeAlert,
} from '@healthsync/contracts/alert';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Alarm } from '../../domain/alarm.ts';
import type { ActDecision, Actor, ActRefusal, AlarmAct } from '../../domain/alarm-act.ts';
import { NOTE_LENGTH_MAX, parseNote } from '../../domain/alarm-note.ts';
import { snoozeChoicesMs } from '../../domain/alarm-policy.ts';
import { type AlarmId, parseAlarmId } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { ManyOutcome } from '../../ports/alarm-store.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { alertNow } from '../live/places.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { visibleAlarm } from './alerts.ts';
import { IdPath } from './parameters.ts';

/** What people do to alarms, each in their own name. Whoever comes second is told who was first (409). */
export function registerAlertActs(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { act, acknowledgeMany, alarms, alarmPolicy, view, hooks } = services;
  const config = { action: 'alarm.acknowledge' } as const;
  const schema = (summary: string) => ({ summary, tags: ['alerts'], params: IdPath, response: { 200: Alert } });

  api.post(
    '/api/alerts/:id/acknowledge',
    { config, schema: schema('Take an alarm: one owner, whoever is second is told who') },
    async (request, reply) => perform(reply, principalOf(request), request.params.id, { kind: 'acknowledge' }),
  );

  api.post(
    '/api/alerts/:id/own',
    { config, schema: { ...schema('Take an alarm over from whom it was seen to belong to'), body: OwnAlert } },
    async (request, reply) => {
      const { from, note } = request.body;
      const text = note === undefined ? undefined : parseNote(note);
      if (note !== undefined && text === undefined) return unreadableNote(reply, 'note');
      return perform(reply, principalOf(request), request.params.id, {
        kind: 'own',
        ...(from !== undefined && { from }),
        ...(text !== undefined && { note: text }),
      });
    },
  );

  api.post(
    '/api/alerts/:id/release',
    { config, schema: schema('Give one’s own alarm back: it calls for somebody else') },
    async (request, reply) => perform(reply, principalOf(request), request.params.id, { kind: 'release' }),
  );

  api.post(
    '/api/alerts/:id/snooze',
    { config, schema: { ...schema('Silence an alarm for a while; it always ends by itself'), body: SnoozeAlert } },
    async (request, reply) =>
      perform(reply, principalOf(request), request.params.id, {
        kind: 'snooze',
        forMs: Math.round(request.body.minutes * 60_000),
      }),
  );

  api.post('/api/alerts/:id/unsnooze', { config, schema: schema('End a snooze before its time') }, (request, reply) =>
    perform(reply, principalOf(request), request.params.id, { kind: 'unsnooze' }),
  );

  api.post(
    '/api/alerts/:id/notes',
    {
      config,
      schema: {
        summary: 'Write a note on an alarm; nothing can be changed or removed',
        tags: ['alerts'],
        params: IdPath,
        body: NewAlertNote,
        response: { 201: AlertNote },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const text = parseNote(request.body.text);
      if (text === undefined) return unreadableNote(reply, 'text');
      const alarm = await visibleAlarm({ alarms, view }, principal, request.params.id);
      if (alarm === undefined) return notFound(reply, 'alarm');
      const actor = actorOf(principal);
      const outcome = await act({ id: alarm.id, act: { kind: 'note', note: text }, ...actor });
      if (outcome.kind === 'not-found') return notFound(reply, 'alarm');
      if (outcome.kind === 'refused') return refuse(reply, outcome, undefined);
      const { noteId = '', change } = outcome;
      return reply.code(201).send({ id: noteId, at: rfc3339(change.atMs), author: actor.by, text });
    },
  );

  api.post(
    '/api/alerts/acknowledge',
    {
      config,
      schema: {
        summary: 'Take many alarms at once, none of them high',
        tags: ['alerts'],
        body: AcknowledgeAlerts,
        response: { 200: AcknowledgedAlerts },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const asked = request.body.ids.map((id) => ({ id, alarmId: parseAlarmId(id) }));
      const visible = await Promise.all(asked.map(({ id }) => visibleAlarm({ alarms, view }, principal, id)));
      const ids = visible.flatMap((alarm) => alarm?.id ?? []);
      const outcomes = new Map<AlarmId, ManyOutcome>();
      if (ids.length > 0)
        for (const outcome of await acknowledgeMany({ ids, ...actorOf(principal) })) outcomes.set(outcome.id, outcome);
      for (const outcome of outcomes.values())
        if (outcome.kind === 'acknowledged') hooks?.acknowledged?.(outcome.change.alarm);
      return reply.send({
        results: asked.map(({ id, alarmId }) => shown(id, alarmId === undefined ? undefined : outcomes.get(alarmId))),
      });
    },
  );

  async function perform(reply: FastifyReply, principal: Principal, id: string, what: AlarmAct) {
    const alarm = await visibleAlarm({ alarms, view }, principal, id);
    if (alarm === undefined) return notFound(reply, 'alarm');
    const outcome = await act({ id: alarm.id, act: what, ...actorOf(principal) });
    if (outcome.kind === 'not-found') return notFound(reply, 'alarm');
    // Who asks twice, because the first answer was lost, is told that it is theirs.
    if (outcome.kind === 'refused' && outcome.reason === 'already-acknowledged' && isOf(outcome.alarm, principal))
      return reply.send(alertNow(view(), outcome.alarm));
    if (outcome.kind === 'refused')
      return refuse(reply, outcome, what.kind === 'snooze' ? snoozeChoicesMs(outcome.alarm, alarmPolicy) : undefined);
    const { change } = outcome;
    if (change.kind === 'acknowledged' || (change.kind === 'resolved' && what.kind === 'acknowledge'))
      hooks?.acknowledged?.(change.alarm);
    return reply.send(alertNow(view(), change.alarm));
  }

  function shown(id: string, outcome: ManyOutcome | undefined): AcknowledgedAlerts['results'][number] {
    if (outcome === undefined || outcome.kind === 'not-found') return { id, outcome: 'not-found' };
    const alarm = outcome.kind === 'acknowledged' ? outcome.change.alarm : outcome.alarm;
    return { id, outcome: outcome.kind, alert: alertNow(view(), alarm) };
  }
}

function actorOf(principal: Principal): Actor {
  return { by: signatureOf(principal), byId: principal.userId };
}

function isOf(alarm: Alarm, principal: Principal): boolean {
  return alarm.ownerId === principal.userId;
}

function unreadableNote(reply: FastifyReply, field: string): FastifyReply {
  const detail = `must be 1 to ${NOTE_LENGTH_MAX} characters, not only blanks, without control characters`;
  return invalid(reply, [{ code: 'invalid-value', field, detail }]);
}

function refuse(
  reply: FastifyReply,
  { reason, alarm }: ActDecision & { readonly kind: 'refused' },
  choicesMs: readonly number[] | undefined,
): FastifyReply {
  return sendProblem(reply, { status: 409, code: reason, detail: whyRefused(reason, alarm, choicesMs) });
}

function whyRefused(reason: ActRefusal, alarm: Alarm, choicesMs: readonly number[] = []): string {
  switch (reason) {
    case 'already-acknowledged':
      return `${alarm.owner ?? alarm.acknowledgedBy ?? 'Somebody'} has it.`;
    case 'already-resolved':
      return 'This alarm is over.';
    case 'owned-by-other':
      return alarm.owner === undefined ? 'Nobody has it any more.' : `${alarm.owner} has it.`;
    case 'not-owner':
      return alarm.owner === undefined ? 'Nobody has it.' : `It is not yours to give back: ${alarm.owner} has it.`;
    case 'snooze-not-offered':
      return choicesMs.length === 0
        ? 'This alarm cannot be snoozed.'
        : `For this alarm there are: ${choicesMs.map((ms) => ms / 60_000).join(', ')} minutes.`;
    case 'not-snoozed':
      return 'It is not snoozed any more.';
    case 'too-many-notes':
      return 'There is no room for another note on this alarm.';
    default:
      return reason satisfies never;
  }
}
