import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database } from '../adapters/postgres/open-database.ts';
import { connectByTenant, type TenantConnections } from '../adapters/postgres/tenant-connections.ts';
import { PostgresTenants } from '../adapters/postgres/tenants.ts';
import { DEFAULT_TENANT, type TenantId } from '../domain/ids.ts';
import type { RulePlace } from '../domain/rule-place.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { viewOfTenant } from '../identity/tenant-view.ts';
import { Failure } from '../ports/failure.ts';
import type { RuleSets } from '../ports/rule-sets.ts';
import type { InTenant } from '../serve/asking-tenant.ts';
import type { Log } from '../telemetry/log.ts';
import type { undoStack } from './undo.ts';

/** What answers the requests of several organisations out of one program, each as if it were alone. */
export interface OpenedTenants extends Omit<TenantConnections, 'close' | 'requireEntry'> {
  readonly inTenant: InTenant;
  /** The registry as that organisation has it. */
  viewFor(view: () => RegistryView): () => RegistryView;
  /** That organisation. Outside of a request it refuses. */
  tenantNow(): TenantId;
  /** Its rules: `house` is its own house. */
  rulesFor(ruleSets: RuleSets): RuleSets;
}

export async function openTenants(parts: {
  readonly database: Database;
  readonly log: Log;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<OpenedTenants> {
  const { database, log, undo } = parts;
  const tenants = new PostgresTenants(database, database.address);
  if ((await tenants.makeLogins()) === 'none') {
    const others = (await tenants.list()).filter(({ id, hasLogin }) => id !== DEFAULT_TENANT && !hasLogin);
    if (others.length > 0) throw withoutLogins(others.map(({ id }) => id));
    log.warn(
      'the login of DATABASE_URL may not make others (CREATEROLE): one organisation, and no row security behind it',
    );
  }
  const scope = new AsyncLocalStorage<TenantId>();
  const tenantNow = () => scope.getStore();
  const required = () => {
    const tenantId = tenantNow();
    if (tenantId === undefined) throw new TypeError('an organisation was asked for outside of a request');
    return tenantId;
  };
  const { close, requireEntry, ...connections } = connectByTenant({
    house: database,
    address: database.address,
    firstLogin: await tenants.firstLogin(),
    tenantNow,
  });
  undo.push('database of organisations', () => close());
  await requireEntry();
  return {
    ...connections,
    inTenant: (tenantId, work) => scope.run(tenantId, work),
    viewFor: (view) => () => viewOfTenant(view(), required()),
    tenantNow: required,
    rulesFor: (ruleSets) => rulesOfTenant(ruleSets, tenantNow),
  };
}

function rulesOfTenant(sets: RuleSets, tenantNow: () => TenantId | undefined): RuleSets {
  const own = <Place extends RulePlace | undefined>(place: Place): Place => {
    const tenantId = tenantNow() ?? DEFAULT_TENANT;
    return place?.scope === 'house' && tenantId !== DEFAULT_TENANT ? { ...place, tenantId } : place;
  };
  return {
    read: (query) => sets.read({ ...query, place: own(query.place) }),
    put: (request) => sets.put({ ...request, place: own(request.place) }),
    versions: (query) => sets.versions({ ...query, place: own(query.place) }),
    proposals: ({ place, ...query }) => sets.proposals(place === undefined ? query : { ...query, place: own(place) }),
    addOverride: (request) => sets.addOverride({ ...request, place: own(request.place) }),
    endOverride: (request) => sets.endOverride(request),
    findOverride: (id) => sets.findOverride(id),
    findProposal: (query) => sets.findProposal(query),
    decide: (request) => sets.decide(request),
    putNews2: (request) => sets.putNews2(request),
    news2Versions: (patientId) => sets.news2Versions(patientId),
  };
}

function withoutLogins(ids: readonly string[]): Failure {
  return new Failure(
    'configuration-invalid',
    `The login of DATABASE_URL may not make logins (CREATEROLE), which the organisations ${ids.join(', ')} need.`,
    { retryable: false },
  );
}
