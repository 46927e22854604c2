import { withOpenData } from '../../server/src/apps/open-data.ts';
import { readSettings } from '../../server/src/apps/settings.ts';
import type { Role } from '../../server/src/domain/access.ts';
import type { BedId, DeviceId, PatientId, WardId } from '../../server/src/domain/ids.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import { newSecret, sha256Of } from '../../server/src/identity/secrets.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import { newUserId } from '../../server/src/identity/users.ts';
import type { Installation } from './server.ts';

export interface House {
  /** A patient `p-…` and their device `d-…` in each bed, which is named for its ward: `w3-01`. */
  readonly beds: readonly {
    readonly bed: string;
    readonly familyName: string;
    readonly givenName: string;
  }[];
  readonly people: readonly {
    readonly name: string;
    readonly role: Role;
    readonly displayName: string;
    readonly ward?: string;
  }[];
  readonly password: string;
  /** Those that get a token. */
  readonly scripts?: readonly Role[];
}

export interface Furnished {
  readonly userIds: ReadonlyMap<string, string>;
  /** By bed: with what its device sends. */
  readonly deviceTokens: ReadonlyMap<string, string>;
  readonly scriptTokens: ReadonlyMap<Role, string>;
}

/**
 * Puts everything into an installation whose server runs, as so many commands would, in one go: a process each takes
 * longer than what is tested.
 */
export async function furnish(home: Installation, house: House): Promise<Furnished> {
  const read = readSettings({ HEALTHSYNC_DATA: home.folder }, () => '');
  if (read.kind !== 'ok') throw new Error(JSON.stringify(read));
  const [userIds, deviceTokens, scriptTokens] = [
    new Map<string, string>(),
    new Map<string, string>(),
    new Map<Role, string>(),
  ];
  const passwordHash = await createPasswords().hash(house.password);
  if (passwordHash === undefined) throw new Error('no hash');
  await withOpenData(read.settings, Date.now, async ({ registry, accounts }) => {
    const nowMs = Date.now();
    const wards = new Set(house.beds.map(({ bed }) => bed.split('-')[0] as WardId));
    for (const id of wards) await registry.putWard({ id, name: `Ward ${id.slice(1)}` });
    for (const { bed, familyName, givenName } of house.beds) {
      const [patientId, deviceId] = [`p-${bed}` as PatientId, `d-${bed}` as DeviceId];
      const token = newSecret('device');
      await registry.putBed({ id: bed as BedId, wardId: bed.split('-')[0] as WardId, label: bed.toUpperCase() });
      await registry.putPatient({ id: patientId, familyName, givenName, birthDate: '1959-04-17', bedId: bed as BedId });
      await registry.putDevice({ id: deviceId, createdAtMs: nowMs });
      await registry.assign({ deviceId, patientId, fromMs: nowMs });
      const times = { createdAtMs: nowMs, expiresAtMs: nowMs + 86_400_000 };
      await registry.addDeviceToken({ deviceId, sha256: sha256Of(token), ...times });
      deviceTokens.set(bed, token);
    }
    for (const { name, role, displayName, ward } of house.people) {
      const id = newUserId();
      const wardIds = ward === undefined ? [] : [ward as WardId];
      await accounts.putUser({ id, name, displayName, roles: [role], wardIds, passwordHash });
      userIds.set(name, id);
    }
    const sessions = createSessions({ accounts, now: Date.now });
    for (const role of house.scripts ?? []) {
      const user = {
        id: newUserId(),
        name: `script-${role}`,
        displayName: `Script (${role})`,
        roles: [role],
        wardIds: [],
      };
      await accounts.putUser(user);
      scriptTokens.set(role, (await sessions.createApiToken(user, 3_600_000)).secret);
    }
  });
  return { userIds, deviceTokens, scriptTokens };
}
