import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { createConsentDesk } from '../access/consent-desk.ts';
import { type HeldConsents, heldConsents } from '../access/held-consents.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresConsents } from '../adapters/postgres/consents.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import type { PatientId } from '../domain/ids.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { repeat } from '../pacing/repeating.ts';
import { registerConsents } from '../serve/api/consents.ts';
import { registerFhirConsents } from '../serve/fhir/consents.ts';
import { acceptEmptyBodies } from '../serve/json-body.ts';
import type { Log } from '../telemetry/log.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** A notice can be lost with the connection that carried it. */
const REREAD_EVERY_MS = 30_000;

/** What patients consent to: held for every decision, recorded over the API. */
export async function openConsent(parts: {
  readonly database: Connections;
  readonly listener: Listener;
  readonly view: () => RegistryView;
  readonly tenants: OpenedTenants;
  readonly settings: Pick<Settings, 'treatmentConsent'>;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<{
  readonly held: HeldConsents;
  /** Whether what is measured may be shown on the wall; alarms are, in any case. */
  mayShow(patientId: PatientId): boolean;
  /** Called with each patient whose consents have changed. */
  onChange(tell: (patientId: PatientId) => void): void;
  readonly routes: (app: FastifyInstance) => void;
}> {
  const { database, listener, view, log, now, undo } = parts;
  const treatment = parts.settings.treatmentConsent;
  const held = heldConsents(treatment);
  const told: ((patientId: PatientId) => void)[] = [];
  const kept = new PostgresConsents(database);
  const asked = new PostgresConsents(parts.tenants.asking);
  const consents = createConsentDesk({
    consents: {
      keep: (consent) => asked.keep(consent),
      versions: (id) => asked.versions(id),
      ofPatient: (patientId) => asked.ofPatient(patientId),
      recent: (query) => asked.recent(query),
      // What is held for decisions is held of all.
      standing: (query) => kept.standing(query),
    },
    held,
    newId: randomUUID,
    now,
    onChanged: (patientId) => {
      for (const tell of told) tell(patientId);
    },
  });
  const onError = (error: unknown) => log.warn('consents could not be reread', { error });
  await consents.refresh();
  const rereading = repeat(() => consents.refresh(), { everyMs: REREAD_EVERY_MS, onError });
  undo.push('consents', () => rereading.stop());
  const stopNotices = await listener.listen('healthsync_consent', {
    onNotice(consentId) {
      reread(consentId).catch(onError);
    },
    onGap: () => rereading.wake(),
  });
  undo.push('consent notices', () => stopNotices());

  /** Every login of the database may listen: a notice names the consent, by an id that tells nobody who. */
  async function reread(consentId: string): Promise<void> {
    const [newest] = await kept.versions(consentId);
    if (newest === undefined) rereading.wake();
    else await consents.refreshOf(newest.patientId);
  }
  return {
    held,
    mayShow: (patientId) => held.consentTo({ patientId, purpose: 'treatment', atMs: now() }).isOpen,
    onChange: (tell) => void told.push(tell),
    routes(app) {
      acceptEmptyBodies(app);
      const services = { consents, treatment, view: parts.tenants.viewFor(view), now };
      registerConsents(app, services);
      registerFhirConsents(app, services);
    },
  };
}
