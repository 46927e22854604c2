import { SystemAlarm, SystemAlarmList } from '@healthsync/contracts/system-alarm';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { SystemAlarm as Alarm } from '../../ports/system-alarms.ts';
import { principalOf } from '../access-gate.ts';
import { notFound } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import { toSystemAlarm } from '../system-alarm-shape.ts';
import type { TellingServices } from '../telling-services.ts';
import type { Api } from '../validation.ts';

const LISTED_MAX = 500;

const Query = Type.Object({ state: Type.Optional(Type.Enum(['active', 'cleared'])) }, { additionalProperties: false });
/** Named by what is wrong: `rota.W3.gap` may hold more than an id of ours. */
const AlarmPath = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9._:~-]{1,128}$' }) });

/** Alarms of the installation: everyone who signs in may know that something is wrong. */
export function registerSystemAlarms(app: FastifyInstance, services: TellingServices): void {
  const api = app as unknown as Api;
  const { systemAlarms, systemAlarmStore } = services;

  api.get(
    '/api/system-alarms',
    {
      config: { signedIn: true },
      schema: {
        summary: 'Alarms of the installation, newest first',
        tags: ['operations'],
        querystring: Query,
        response: { 200: SystemAlarmList },
      },
    },
    async (request, reply) => {
      const { state } = request.query;
      // What is open is in memory: it can be read while the database is away, which may be the very trouble.
      if (state === 'active') return reply.send({ alarms: systemAlarms.open().map(toSystemAlarm) });
      const all = state === undefined;
      const stored = await systemAlarmStore.list({ limit: LISTED_MAX, ...(all ? {} : { open: false }) });
      const alarms = all ? withThoseInMemory(stored, systemAlarms.open()) : stored;
      return reply.send({ alarms: alarms.map(toSystemAlarm) });
    },
  );

  api.post(
    '/api/system-alarms/:id/acknowledge',
    {
      config: { action: 'system-alarm.acknowledge' },
      schema: {
        summary: 'Say that somebody looks after it',
        tags: ['operations'],
        params: AlarmPath,
        response: { 200: SystemAlarm },
      },
    },
    async (request, reply) => {
      const alarm = systemAlarms.acknowledge(request.params.id, signatureOf(principalOf(request)));
      return alarm === undefined ? notFound(reply, 'open alarm') : reply.send(toSystemAlarm(alarm));
    },
  );
}

/** What has just begun is stored a moment later; in a list of all it is there at once. */
function withThoseInMemory(stored: readonly Alarm[], open: readonly Alarm[]): readonly Alarm[] {
  const isOpen = (alarm: Alarm) =>
    open.some(({ id, raisedAtMs }) => id === alarm.id && raisedAtMs === alarm.raisedAtMs);
  const all = [...open, ...stored.filter((alarm) => !isOpen(alarm))];
  return all.sort((a, b) => b.raisedAtMs - a.raisedAtMs).slice(0, LISTED_MAX);
}
