import type { Role } from '../domain/access.ts';
import type { CareAssignment, Shift } from '../domain/care-team.ts';
import { type BedId, parseRotaId, type RotaId, type UserId } from '../domain/ids.ts';
import { createPasswords } from '../identity/passwords.ts';
import { addUser } from '../identity/users.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { CareTeams } from '../ports/care-teams.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Rotas } from '../ports/rotas.ts';
import { DEMO_WARD, demoBeds } from '../simulation/demo-ward.ts';
import { DEMO_CHANNEL } from './demo-mailbox.ts';

/**
 * Who works on the demo's ward: nurses by day and by night, a charge nurse, a doctor, and two doctors who take turns on
 * call. Nobody of them can sign in: an account without a password is given one with `healthsync user password`.
 */
export async function seedTeam(stores: {
  readonly accounts: Accounts;
  readonly contacts: Pick<Contacts, 'put' | 'vouch'>;
  readonly teams: Pick<CareTeams, 'team' | 'putShifts' | 'assign'>;
  readonly rotas: Pick<Rotas, 'find' | 'put'>;
  readonly zone: string;
  readonly newId: () => string;
  readonly now: () => number;
}): Promise<{ readonly people: number }> {
  const { accounts, contacts, teams, rotas, zone, newId, now } = stores;
  const atMs = now();
  const ids = new Map<string, UserId>();
  for (const { name, displayName, role } of PEOPLE) {
    const userId = await personOf(accounts, { name, displayName, role });
    ids.set(name, userId);
    const address = `${name}@demo.invalid`; // RFC 2606: no such domain will ever be
    await contacts.put({ userId, channel: DEMO_CHANNEL, address, changedBy: 'the demo', atMs });
    await contacts.vouch({ userId, channel: DEMO_CHANNEL, address, by: 'admin', atMs });
  }
  const known = await teams.team(DEMO_WARD.id, atMs);
  if (known === undefined || known.version === 0)
    await teams.putShifts({ wardId: DEMO_WARD.id, zone, shifts: SHIFTS, by: 'demo', atMs });
  const beds = demoBeds().map(({ bed }) => bed.id);
  for (const { name, assigned } of PEOPLE) {
    const userId = ids.get(name) as UserId;
    if (assigned === undefined || known?.assignments.some((one) => one.userId === userId) === true) continue;
    await teams.assign({
      id: newId(),
      ...assigned(beds),
      ...COMMON,
      userId,
      fromMs: atMs,
      madeBy: 'demo',
      madeAtMs: atMs,
    });
  }
  if ((await rotas.find(ROTA)) === undefined)
    await rotas.put({ rota: rotaOf(ids, zone, atMs), retired: false, by: 'demo', reason: 'part of the demo', atMs });
  return { people: PEOPLE.length };
}

interface DemoPerson {
  readonly name: string;
  readonly displayName: string;
  readonly role: Role;
  /** Absent: only on call. */
  readonly assigned?: (beds: readonly BedId[]) => Pick<CareAssignment, 'role' | 'bedIds' | 'shift'>;
}

const SHIFTS: readonly Shift[] = [
  { name: 'day', from: '07:00', to: '19:00' },
  { name: 'night', from: '19:00', to: '07:00' },
];
const COMMON = { wardId: DEMO_WARD.id, patientIds: [] } as const;
const nurse = (half: 'first' | 'second', shift: string) => (beds: readonly BedId[]) => {
  const middle = Math.ceil(beds.length / 2);
  return { role: 'nurse', bedIds: half === 'first' ? beds.slice(0, middle) : beds.slice(middle), shift } as const;
};

const PEOPLE: readonly DemoPerson[] = [
  { name: 'anna.demo', displayName: 'Anna Berg', role: 'nurse', assigned: nurse('first', 'day') },
  { name: 'tomas.demo', displayName: 'Tomás Reyes', role: 'nurse', assigned: nurse('second', 'day') },
  { name: 'ruth.demo', displayName: 'Ruth Okafor', role: 'nurse', assigned: nurse('first', 'night') },
  { name: 'wei.demo', displayName: 'Wei Zhang', role: 'nurse', assigned: nurse('second', 'night') },
  {
    name: 'sam.demo',
    displayName: 'Sam Ortiz',
    role: 'charge-nurse',
    assigned: () => ({ role: 'charge-nurse', bedIds: [] }),
  },
  {
    name: 'noor.demo',
    displayName: 'Dr Noor Haddad',
    role: 'physician',
    assigned: () => ({ role: 'doctor', bedIds: [] }),
  },
  { name: 'eva.demo', displayName: 'Dr Eva Lind', role: 'physician' },
  { name: 'paul.demo', displayName: 'Dr Paul Mbeki', role: 'physician' },
];

async function personOf(
  accounts: Accounts,
  { name, displayName, role }: Pick<DemoPerson, 'name' | 'displayName' | 'role'>,
): Promise<UserId> {
  const known = await accounts.findUser(name);
  if (known !== undefined) return known.id;
  const wanted = { name, displayName, roles: [role], wardIds: [DEMO_WARD.id] };
  const outcome = await addUser(accounts, createPasswords(), wanted);
  if (outcome.kind !== 'added') throw new Error(`the demo's person could not be made: ${outcome.kind}`);
  return outcome.user.id;
}

const ROTA = parseRotaId('demo-on-call') as RotaId;
const WEEK_MS = 7 * 86_400_000;

function rotaOf(ids: ReadonlyMap<string, UserId>, zone: string, atMs: number) {
  const people = ['eva.demo', 'paul.demo'].flatMap((name) => ids.get(name) ?? []);
  // Two weeks back, so that somebody is on call from the first minute, in every zone.
  const startsOn = new Date(atMs - 2 * WEEK_MS).toISOString().slice(0, 10);
  return {
    id: ROTA,
    name: 'Doctors on call',
    wardIds: [DEMO_WARD.id],
    zone,
    layers: [{ name: 'first', people, startsOn, handoverAt: '08:00', turnDays: 7 }],
  };
}
