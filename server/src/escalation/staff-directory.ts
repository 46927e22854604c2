import { rolesMay } from '../access/role-decisions.ts';
import { ROLES } from '../domain/access.ts';
import type { ChannelType } from '../domain/channel.ts';
import type { EscalationWorld, HouseRecipient, Staff, StaffContact } from '../domain/escalation.ts';
import { DEFAULT_TENANT, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { CareTeams } from '../ports/care-teams.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { KeptOverride, KeptRota, Rotas } from '../ports/rotas.ts';

/** Everything that decides who is told, gathered from where it is kept. */
export interface StaffDirectory {
  /** As of now, with all that is planned for the hours to come; of one organisation where it is named. */
  worldOf(alarm: { readonly wardId?: WardId; readonly tenantId?: TenantId }): Promise<EscalationWorld>;
}

export interface StaffSources {
  readonly accounts: Pick<Accounts, 'users'>;
  readonly contacts: Pick<Contacts, 'of'>;
  readonly teams: Pick<CareTeams, 'team' | 'quietHours'>;
  readonly rotas: Pick<Rotas, 'list' | 'overrides'>;
  /** By configured name; a contact of another channel reaches nobody. */
  readonly channelTypes: () => ReadonlyMap<string, ChannelType>;
  readonly house: () => readonly HouseRecipient[];
  readonly now: () => number;
}

interface House {
  readonly people: ReadonlyMap<UserId, Staff>;
  readonly tenants: ReadonlyMap<UserId, TenantId>;
  readonly contacts: ReadonlyMap<UserId, readonly StaffContact[]>;
  readonly rotas: readonly { readonly rota: KeptRota; readonly overrides: readonly KeptOverride[] }[];
  readonly quiet: Awaited<ReturnType<CareTeams['quietHours']>>['users'];
}

export function createStaffDirectory(sources: StaffSources): StaffDirectory {
  const { accounts, contacts, teams, rotas, channelTypes, house, now } = sources;
  const ofHouse = remembered(now, readHouse);
  const ofWard = new Map<string, () => Promise<Pick<EscalationWorld, 'team'> & { readonly quiet?: Ward['ward'] }>>();
  type Ward = Awaited<ReturnType<CareTeams['quietHours']>>;

  async function readHouse(): Promise<House> {
    const nowMs = now();
    const users = (await accounts.users()).filter(
      ({ name, disabledAtMs }) => !isScript(name) && (disabledAtMs === undefined || disabledAtMs > nowMs),
    );
    const userIds = users.map(({ id }) => id);
    const [verified, kept, overrides, { users: quiet }] = await Promise.all([
      contacts.of(userIds),
      rotas.list(),
      rotas.overrides({ fromMs: nowMs - LOOK_BACK_MS, toMs: nowMs + LOOK_AHEAD_MS }),
      teams.quietHours({ userIds }),
    ]);
    const types = channelTypes();
    const reached = new Map<UserId, StaffContact[]>();
    for (const { userId, channel, address, minPriority } of verified) {
      const type = types.get(channel);
      if (type === undefined) continue;
      const contact = { channel, type, address, ...(minPriority === undefined ? {} : { minPriority }) };
      reached.set(userId, [...(reached.get(userId) ?? []), contact]);
    }
    return {
      people: new Map(
        users.map(({ id, displayName, roles, wardIds }) => [
          id,
          { userId: id, displayName, roles, mayAnswer: rolesMay(roles, 'alarm.acknowledge'), wardIds },
        ]),
      ),
      tenants: new Map(users.map(({ id, tenantId }) => [id, tenantId ?? DEFAULT_TENANT])),
      contacts: reached,
      rotas: kept.map((rota) => ({ rota, overrides: overrides.filter(({ rotaId }) => rotaId === rota.id) })),
      quiet,
    };
  }

  function wardOf(wardId: WardId) {
    const known = ofWard.get(wardId);
    if (known !== undefined) return known();
    const read = remembered(now, async () => {
      const [team, { ward }] = await Promise.all([
        teams.team(wardId, now()),
        teams.quietHours({ wardId, userIds: [] }),
      ]);
      return { ...(team === undefined ? {} : { team }), ...(ward === undefined ? {} : { quiet: ward }) };
    });
    if (ofWard.size >= WARDS_MAX) ofWard.clear();
    ofWard.set(wardId, read);
    return read();
  }

  return {
    async worldOf({ wardId, tenantId }) {
      const [{ people, tenants, contacts: reached, rotas: all, quiet }, ward] = await Promise.all([
        ofHouse(),
        wardId === undefined ? undefined : wardOf(wardId),
      ]);
      return {
        people: tenantId === undefined ? people : ofTenant(people, tenants, tenantId),
        contacts: reached,
        ...(ward?.team === undefined ? {} : { team: ward.team }),
        rotas: tenantId === undefined ? all : all.filter(({ rota }) => (rota.tenantId ?? DEFAULT_TENANT) === tenantId),
        quietHours: { users: quiet, ...(ward?.quiet === undefined ? {} : { ward: ward.quiet }) },
        // The settings' own recipients are those of who runs the installation.
        house: tenantId === undefined || tenantId === DEFAULT_TENANT ? house() : [],
      };
    },
  };
}

/** Nobody of one organisation is told of another's. */
function ofTenant(
  people: ReadonlyMap<UserId, Staff>,
  tenants: ReadonlyMap<UserId, TenantId>,
  tenantId: TenantId,
): ReadonlyMap<UserId, Staff> {
  return new Map([...people].filter(([id]) => tenants.get(id) === tenantId));
}

/** Holds the tokens of scripts, and is nobody (`identity/users.ts`). */
const isScript = (name: string) => ROLES.some((role) => name === `script-${role}`);

/** A day back for what is still running, two days ahead for what an escalation or its preview can reach. */
const LOOK_BACK_MS = 86_400_000;
const LOOK_AHEAD_MS = 2 * 86_400_000;
/** More wards than a house has. */
const WARDS_MAX = 1_000;
/** A flood of alarms asks a thousand times a second; who is on duty does not change within two. */
const FRESH_MS = 2_000;

/** Asks once for all who ask at the same time, and a short while after. A failure is not remembered. */
function remembered<T>(now: () => number, read: () => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const nowMs = now();
    if (last !== undefined && nowMs - last.atMs < FRESH_MS && nowMs >= last.atMs) return last.answer;
    const asked = { atMs: nowMs, answer: read() };
    last = asked;
    asked.answer.catch(() => {
      if (last === asked) last = undefined;
    });
    return asked.answer;
  };
}
