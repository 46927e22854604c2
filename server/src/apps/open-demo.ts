import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { PostgresCareTeams } from '../adapters/postgres/care-teams.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import { PostgresRotas } from '../adapters/postgres/rotas.ts';
import type { Authorities } from '../identity/authority.ts';
import type { ServerCertificate } from '../identity/server-certificate.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Log } from '../telemetry/log.ts';
import { certificateTerms } from './certificate-terms.ts';
import type { startDemo } from './demo.ts';
import { DEMO_MAIL_PATH, registerDemoMail } from './demo-mail-page.ts';
import { escalationTimesOf } from './escalation-times.ts';
import { houseZone } from './house-zone.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/**
 * The demo: a mailbox and a page to read it before anything can ring, then, once the doors are open, people who are
 * told, and patients. Without the setting there is none of it.
 */
export async function openDemo(parts: {
  readonly settings: Settings;
  readonly authorities: Authorities;
  readonly certificate: ServerCertificate;
  readonly database: Connections;
  readonly accounts: Accounts;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}) {
  const { settings, authorities, certificate, database, accounts, log, now, undo } = parts;
  const none = { notifiers: [] as readonly Notifier[], routes: (_: FastifyInstance) => {}, start: async () => {} };
  if (!settings.demo) return none;
  // A mail server that nothing else needs.
  const { openDemoMailbox } = await import('./demo-mailbox.ts');
  const mailbox = await openDemoMailbox({
    key: certificate.keyPem,
    cert: certificate.certificatePem,
    ca: authorities.servers.certificatePem,
    now,
  });
  undo.push('demo mailbox', () => mailbox.close());
  return {
    notifiers: [mailbox.notifier] as readonly Notifier[],
    routes: (app: FastifyInstance) => registerDemoMail(app, mailbox),
    async start(ward: Pick<Parameters<typeof startDemo>[0], 'folder' | 'mqttPort' | 'registry' | 'ruleSets'>) {
      const { startDemo } = await import('./demo.ts');
      const stop = await startDemo({
        ...ward,
        authorities,
        terms: certificateTerms(settings, authorities),
        now,
        log,
        // Before the first patient's first value: whom it is about is there.
        onWard: async () => {
          const zone = houseZone(settings);
          const { seedTeam } = await import('./demo-team.ts');
          const { people } = await seedTeam({
            accounts,
            contacts: new PostgresContacts(database),
            teams: new PostgresCareTeams(database),
            rotas: new PostgresRotas(database),
            zone,
            newId: randomUUID,
            now,
          });
          const { nurseSeconds } = escalationTimesOf(settings);
          log.info('the demo’s people are told by mail that does not leave this machine', {
            count: people,
            route: DEMO_MAIL_PATH,
          });
          log.warn('in the demo nobody waits as long as on a ward for the next to be told', {
            setting: 'HEALTHSYNC_DEMO_ESCALATION_SECONDS',
            durationMs: nurseSeconds * 1_000,
          });
        },
      });
      undo.push('demo', stop);
    },
  };
}
