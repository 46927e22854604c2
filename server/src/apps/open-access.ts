import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { AccessFacts } from '../access/access-facts.ts';
import { createDecisions } from '../access/cedar-decisions.ts';
import type { Decisions } from '../access/decisions.ts';
import { createEmergencyDesk } from '../access/emergency-desk.ts';
import type { HeldConsents } from '../access/held-consents.ts';
import { heldFacts } from '../access/held-facts.ts';
import type { Policies } from '../access/policy-files.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresCareTeams } from '../adapters/postgres/care-teams.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresEmergencyAccesses } from '../adapters/postgres/emergency-accesses.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import type { WardTeam } from '../domain/care-team.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { repeat } from '../pacing/repeating.ts';
import type { EmergencyAccess } from '../ports/emergency-accesses.ts';
import { registerAccess } from '../serve/api/access.ts';
import { acceptEmptyBodies } from '../serve/json-body.ts';
import type { Log } from '../telemetry/log.ts';
import type { SystemAlarmDesk } from '../vitals/5-notify/system-alarm-desk.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** A notice can be lost with the connection that carried it; and what an emergency opened ends by the clock. */
const REREAD_EVERY_MS = 30_000;
/** Wards read at once: a change of teams in a large house must not take the database's pool. */
const WARDS_AT_ONCE = 4;

/** The decision point: policies from the repository, and what they look at besides the question, in memory. */
export async function openAccess(parts: {
  readonly policies: Policies;
  readonly database: Connections;
  readonly listener: Listener;
  readonly view: () => RegistryView;
  readonly tenants: OpenedTenants;
  readonly systemAlarms: SystemAlarmDesk;
  readonly consents: HeldConsents;
  readonly settings: Pick<Settings, 'emergencyAccessMaxMinutes' | 'emergencyProof'>;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<{
  readonly access: Decisions;
  readonly facts: AccessFacts;
  readonly routes: (app: FastifyInstance) => void;
}> {
  const { policies, database, listener, view, systemAlarms, settings, log, now, undo } = parts;
  const facts = heldFacts(view, parts.consents, settings.emergencyProof);
  const access = createDecisions({ policies, facts, now });
  const careTeams = new PostgresCareTeams(database);
  let teams: readonly WardTeam[] = [];
  let emergencies: readonly EmergencyAccess[] = [];
  const kept = new PostgresEmergencyAccesses(database);
  const asked = new PostgresEmergencyAccesses(parts.tenants.asking);
  const desk = createEmergencyDesk({
    accesses: {
      begin: (access) => asked.begin(access),
      end: (request) => asked.end(request),
      review: (request) => asked.review(request),
      find: (id) => asked.find(id),
      // What runs, and what waits for its review, is watched over for all.
      running: (nowMs) => kept.running(nowMs),
      overdue: (beganBeforeMs) => kept.overdue(beganBeforeMs),
      list: (query) => asked.list(query),
    },
    decisions: access,
    view,
    systemAlarms,
    onRunning(running) {
      emergencies = running;
      facts.hold({ teams, emergencies });
    },
    newId: randomUUID,
    now,
    bounds: { longestMs: settings.emergencyAccessMaxMinutes * 60_000 },
  });

  async function reread(): Promise<void> {
    teams = await teamsOf(careTeams, view(), now());
    await desk.refresh();
  }

  await reread();
  // While the database is away what was read last holds: emergencies end by their own time.
  const rereading = repeat(reread, {
    everyMs: REREAD_EVERY_MS,
    asideMs: REREAD_EVERY_MS / 7,
    onError: (error) => log.warn('what access rests on could not be reread', { error }),
  });
  undo.push('access facts', () => rereading.stop());
  const wake = () => rereading.wake();
  const stopNotices = await listener.listen('healthsync_access', { onNotice: wake, onGap: wake });
  undo.push('access notices', () => stopNotices());

  const askedAccounts = new PostgresAccounts(parts.tenants.asking);
  return {
    access,
    facts,
    routes(app) {
      acceptEmptyBodies(app);
      registerAccess(app, {
        access,
        policies: policies.all,
        emergencies: desk,
        users: () => askedAccounts.users(),
        view: parts.tenants.viewFor(view),
        now,
      });
    },
  };
}

async function teamsOf(careTeams: PostgresCareTeams, { snapshot }: RegistryView, nowMs: number) {
  const waiting = snapshot.wards.map(({ id }) => id);
  const found: WardTeam[] = [];
  const work = async () => {
    for (let wardId = waiting.pop(); wardId !== undefined; wardId = waiting.pop()) {
      const team = await careTeams.team(wardId, nowMs);
      if (team !== undefined) found.push(team);
    }
  };
  await Promise.all(Array.from({ length: WARDS_AT_ONCE }, work));
  return found;
}
