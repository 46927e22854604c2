import { AlertChoices, AlertDetail, AlertList } from '@healthsync/contracts/alert';
import type { FastifyInstance } from 'fastify';
import type { Alarm, Priority } from '../../domain/alarm.ts';
import { type AlarmPolicy, snoozeChoicesMs } from '../../domain/alarm-policy.ts';
import { parseAlarmId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { Principal } from '../../identity/sessions.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339, toHistoryEntry } from '../alert-shape.ts';
import { may } from '../caller.ts';
import { toldWithOf } from '../escalation-shape.ts';
import { alertNow, wardOfAlarm } from '../live/places.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { seesPatient } from '../ward-scope.ts';
import { AlertQuery, cursorAfter, parseAlertQuery } from './alert-query.ts';
import { IdPath } from './parameters.ts';

/** Alarms: which there are, what happened to one, and who was told. What people do to them is in `alert-acts.ts`. */
export function registerAlerts(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { alarms, alarmPolicy, deliveries, view } = services;

  api.get(
    '/api/alerts',
    {
      config: { action: 'alarm.read' },
      schema: {
        summary: 'Alarms, page by page, by where their patients lie now',
        tags: ['alerts'],
        querystring: AlertQuery,
        response: { 200: AlertList },
      },
    },
    async (request, reply) => {
      const parsed = parseAlertQuery(request.query, principalOf(request), view());
      if (parsed.kind === 'other-ward')
        return sendProblem(reply, { status: 403, code: 'other-ward', detail: 'A ward that is not yours.' });
      if (parsed.kind === 'invalid') return invalid(reply, parsed.errors);
      const { query } = parsed;
      // One more than is shown tells whether there is a next page.
      const found = await alarms.list({ ...query, limit: query.limit + 1 });
      const page = found.slice(0, query.limit);
      const last = page.at(-1);
      return reply.send({
        alerts: page.map((alarm) => alertNow(view(), alarm)),
        ...(found.length > page.length && last !== undefined && { next: cursorAfter(last, query.order) }),
      });
    },
  );

  api.get(
    '/api/alerts/choices',
    {
      config: { action: 'alarm.read' },
      schema: { summary: 'For how long alarms may be snoozed', tags: ['alerts'], response: { 200: AlertChoices } },
    },
    async (_request, reply) => reply.send({ snoozeMinutes: snoozeMinutes(alarmPolicy) }),
  );

  api.get(
    '/api/alerts/:id',
    {
      config: { action: 'alarm.read' },
      schema: {
        summary: 'One alarm: what happened to it, what was written on it, and who was told',
        tags: ['alerts'],
        params: IdPath,
        response: { 200: AlertDetail },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const alarm = await visibleAlarm(services, principal, request.params.id);
      if (alarm === undefined) return notFound(reply, 'alarm');
      // A screen on the corridor may show the alarm, and not what people wrote about the patient.
      const mayReadNotes = may(principal, 'alarm.acknowledge');
      const [told, history, notes] = await Promise.all([
        deliveries(alarm.id),
        alarms.history(alarm.id),
        mayReadNotes ? alarms.notes(alarm.id) : undefined,
      ]);
      return reply.send({
        alert: alertNow(view(), alarm),
        // Not to whom: a recipient may be a private number.
        deliveries: told.map(
          ({ event, channel, state, attempts, lastDetail, receiptState, updatedAtMs, toldWith }) => ({
            event,
            channel,
            state,
            attempts,
            ...(lastDetail !== undefined && { detail: lastDetail }),
            ...(receiptState !== undefined && { receipt: receiptState }),
            updatedAt: rfc3339(updatedAtMs),
            ...toldWithOf({ toldWith }),
          }),
        ),
        history: history.map(toHistoryEntry),
        ...(notes !== undefined && {
          notes: notes.map(({ id, atMs, author, text }) => ({ id, at: rfc3339(atMs), author, text })),
        }),
      });
    },
  );
}

/** The alarm, if it exists and its patient lies where this person may look. Both refusals look alike from outside. */
export async function visibleAlarm(
  { alarms, view }: { readonly alarms: Pick<Services['alarms'], 'find'>; readonly view: () => RegistryView },
  principal: Principal,
  text: string,
): Promise<Alarm | undefined> {
  const id = parseAlarmId(text);
  const alarm = id && (await alarms.find(id));
  return alarm !== undefined && seesPatient(principal, alarm.patientId, wardOfAlarm(view(), alarm)) ? alarm : undefined;
}

/** Of alarms that speak of the patient; high technical ones have none (`snoozeChoicesMs`). */
function snoozeMinutes(policy: AlarmPolicy): AlertChoices['snoozeMinutes'] {
  const of = (priority: Priority) =>
    snoozeChoicesMs({ kind: 'physiological', priority }, policy).map((ms) => ms / 60_000);
  return { high: of('high'), medium: of('medium'), low: of('low') };
}
