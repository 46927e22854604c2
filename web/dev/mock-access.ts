import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { AccessPolicies, AccessWhy, EmergencyAccess } from '@healthsync/contracts/access';
import type { AuditHeads, AuditKeys, AuditPage, AuditProof, AuditRecord } from '@healthsync/contracts/audit';
import type { KeyStatus } from '@healthsync/contracts/key';
import type { FactorAdded, FactorList } from '@healthsync/contracts/session';
import type { User, UserList } from '@healthsync/contracts/user';

/** Who may come in and who did what, as scripted as the ward: accounts, policies, emergencies, an audit log of true hashes. */
export type MockAccess = ReturnType<typeof createMockAccess>;

const iso = (ms: number) => new Date(ms).toISOString();

export function createMockAccess(startedAt: number) {
  const log = createMockLog(startedAt);
  const emergencies: EmergencyAccess[] = [
    {
      id: 'e1',
      userId: 'kim',
      by: 'Kim Larsen (nurse)',
      patientId: 'P77',
      wardId: 'w3',
      reason: 'Collapsed in the corridor, their nurse was with another patient.',
      proof: 'second-factor',
      beganAt: iso(startedAt - 5 * 3_600_000),
      until: iso(startedAt - 4.5 * 3_600_000),
      state: 'ended',
    },
  ];
  const users: User[] = [
    user({ id: 'kim', name: 'kim', displayName: 'Kim Larsen', roles: ['nurse'], wards: ['icu'], secondFactors: [] }),
    user({ id: 'ama', name: 'ama', displayName: 'Dr Ama Osei', roles: ['physician'], secondFactors: ['passkey'] }),
    user({
      id: 'lea',
      name: 'lea',
      displayName: 'Lea Novak',
      roles: ['privacy-officer'],
      secondFactors: ['totp'],
      isSecondFactorRequired: true,
    }),
    user({
      id: 'scim1',
      name: 'maximiliana.von-und-zu-hohenstein@klinikum.example',
      displayName: 'Prof. Dr. Maximiliana Featherstonehaugh-Wellington von Hohenstein',
      roles: ['physician', 'privacy-officer'],
      wards: ['icu'],
      secondFactors: [],
      source: 'directory',
      isSecondFactorRequired: true,
    }),
  ];
  let isProven = false;
  let hasFactor = true;
  const elsewhere = new Set<string>();

  function openNow(now: number): EmergencyAccess[] {
    return emergencies.filter(
      ({ userId, until, endedAt }) => userId === 'me' && endedAt === undefined && Date.parse(until) > now,
    );
  }

  function user(part: Partial<User> & Pick<User, 'id' | 'name' | 'displayName' | 'roles' | 'secondFactors'>): User {
    const at = iso(startedAt - 90 * 86_400_000);
    return {
      wards: [],
      source: 'local',
      hasPassword: true,
      isSecondFactorRequired: false,
      revision: 1,
      createdAt: at,
      changedAt: at,
      ...part,
    };
  }

  return {
    users(q: string): UserList {
      const found = users.filter((one) =>
        q
          .toLowerCase()
          .split(/\s+/)
          .every((word) => `${one.name} ${one.displayName} ${one.roles.join(' ')}`.toLowerCase().includes(word)),
      );
      return { users: found, total: found.length, roles: ['nurse', 'physician', 'admin', 'privacy-officer'] };
    },
    changeUser(id: string, change: Partial<User>): User | undefined {
      const at = users.findIndex((one) => one.id === id);
      const found = users[at];
      if (found === undefined) return undefined;
      const { disabled, ...rest } = change as Partial<User> & { readonly disabled?: boolean };
      const changed: User = { ...found, ...rest, revision: found.revision + 1 };
      if (disabled === true) changed.disabledAt = iso(startedAt);
      if (disabled === false) delete changed.disabledAt;
      users[at] = changed;
      return changed;
    },
    factors: (): FactorList => ({
      factors: hasFactor ? [{ id: 'f1', kind: 'totp', label: 'Phone', addedAt: iso(startedAt) }] : [],
      recoveryCodesLeft: hasFactor ? 8 : 0,
      isRequired: false,
    }),
    /** Whoever is signed in has nothing but a password. */
    loseFactors: () => {
      hasFactor = false;
    },
    hasFactor: () => hasFactor,
    addFactor(code: unknown): FactorAdded | undefined {
      if (code !== '123456') return undefined;
      hasFactor = true;
      return { recoveryCodes: ['abcd-efgh', 'ijkl-mnop'] };
    },
    /** The code, or without a factor the password, that a fresh proof takes here. */
    prove(shown: { readonly code?: unknown; readonly password?: unknown }): boolean {
      isProven = hasFactor ? shown.code === '123456' : shown.password === 'correct horse';
      return isProven;
    },
    isProven: () => isProven,
    policies: (): AccessPolicies => ({
      policies: [NURSE, OTHER_WARD].map((policy) => ({ ...policy, file: 'roles.cedar' })),
      roles: [{ role: 'nurse', actions: ['patient.read'] }],
      actions: [
        { name: 'patient.read', words: 'read a patient’s name, number, bed', isOfPatients: true },
        { name: 'user.write', words: 'make, change and disable accounts', isOfPatients: false },
      ],
      routes: [],
    }),
    why: (userId: string, action: string, patientId: string | null): AccessWhy => {
      const { name, displayName, roles, wards } = users.find(({ id }) => id === userId) ?? (users[0] as User);
      const allowed = patientId !== 'P77';
      return {
        user: { userId, name, displayName, roles, wardIds: wards },
        action: { name: action, words: 'read a patient’s name, number, bed' },
        resource: { kind: 'patient', ...(patientId !== null && { id: patientId }) },
        allowed,
        summary: allowed
          ? `Yes: ${displayName} may read a patient’s name, number, bed. ${NURSE.title}`
          : `No: ${displayName} may not read a patient’s name, number, bed. ${OTHER_WARD.title}`,
        policies: allowed ? [NURSE] : [OTHER_WARD],
        attributes: [
          { name: 'principal.wards', value: 'icu', words: 'the wards they were given' },
          { name: 'resource.ward', value: allowed ? 'icu' : 'w3', words: 'where the patient lies' },
          { name: 'context.careTeam', value: 'false', words: 'whether the patient is in their care by the plan' },
        ],
        ...(!allowed && { rolesNeeded: [], obligation: 'break-glass' }),
        askedAt: iso(startedAt),
      };
    },
    emergencies: (isReviewed: boolean) => ({
      accesses: emergencies.filter(({ review }) => (review !== undefined) === isReviewed),
    }),
    /** A patient of a ward that is not theirs who looks. */
    putElsewhere: (patientId: string) => void elsewhere.add(patientId),
    isElsewhere: (patientId: string, now: number): boolean =>
      elsewhere.has(patientId) && !openNow(now).some((access) => access.patientId === patientId),
    mine: (now: number) => ({
      accesses: openNow(now),
    }),
    openRecord(by: string, body: Readonly<Record<string, unknown>>, now: number): EmergencyAccess {
      const opened: EmergencyAccess = {
        id: `e${emergencies.length + 1}`,
        userId: 'me',
        by,
        patientId: String(body['patientId'] ?? 'P13'),
        reason: String(body['reason']),
        proof: 'second-factor',
        beganAt: iso(now),
        until: iso(now + Number(body['minutes'] ?? 60) * 60_000),
        state: 'active',
      };
      emergencies.push(opened);
      return opened;
    },
    endRecord(id: string, now: number): EmergencyAccess | undefined {
      const found = emergencies.find((one) => one.id === id);
      if (found !== undefined) Object.assign(found, { endedAt: iso(now), state: 'ended' });
      return found;
    },
    review(id: string, body: Readonly<Record<string, unknown>>, by: string, now: number): EmergencyAccess | undefined {
      const found = emergencies.find((one) => one.id === id);
      const review = { justified: body['justified'] === true, comment: String(body['comment']), by, at: iso(now) };
      if (found !== undefined) Object.assign(found, { review, state: 'reviewed' });
      return found;
    },
    keys: (): KeyStatus => ({ management: 'file', kek: 'eu/default/kek-3', kept: 1_204, erased: 2 }),
    log,
  };
}

const NURSE: AccessWhy['policies'][number] = {
  id: 'nurse',
  effect: 'permit',
  title: 'A nurse watches the wall, reads the patients, and answers alarms.',
  text: '@id("nurse")\npermit (\n  principal in Role::"nurse",\n  action in [Action::"patient.read"],\n  resource\n);',
};
const OTHER_WARD: AccessWhy['policies'][number] = {
  id: 'other-ward-patient',
  effect: 'forbid',
  title: 'Who was given wards sees the patients of these.',
  text: '@id("other-ward-patient")\nforbid (principal, action, resource is Patient)\nunless { principal.wards.contains(resource.ward) };',
};

const ORIGIN = 'healthsync-audit/mock';
/** More than a page. */
const ENTRIES = 230;

/** A log whose proofs hold, because a page that checks them must be able to see one that does not. */
function createMockLog(startedAt: number) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const records: AuditRecord[] = Array.from({ length: ENTRIES }, (_, position) => recordAt(position, startedAt));
  const texts = records.map((record) => JSON.stringify(record));
  const leaves = texts.map((text) => hashOf(0, Buffer.from(text)));
  const root = treeHash(leaves);
  const text = `${ORIGIN}\n${ENTRIES}\n${root.toString('base64')}\ntime ${iso(startedAt)}\n`;
  const signature = Buffer.concat([Buffer.alloc(4), sign(null, Buffer.from(text), privateKey)]).toString('base64');
  const head = {
    size: ENTRIES,
    rootHash: root.toString('hex'),
    signedAt: iso(startedAt),
    keyId: '00000000',
    note: `${text}\n\u2014 ${ORIGIN} ${signature}\n`,
  };
  let tampered: number | undefined;
  let isBroken = false;

  return {
    /** From now on this entry reads otherwise than when it was written. */
    tamper(position: number): void {
      tampered = position;
      isBroken = true;
    },
    page(search: URLSearchParams): AuditPage {
      const limit = Number(search.get('limit') ?? 100);
      const before = Number(search.get('before') ?? ENTRIES);
      const found = records.filter((record) => record.position < before && matches(record, search)).reverse();
      const entries = found.slice(0, limit);
      const last = entries.at(-1);
      return { entries, ...(found.length > limit && last !== undefined && { next: last.position }) };
    },
    heads: (): AuditHeads => ({
      head,
      heads: [head],
      anchors: [{ name: 'object-store', size: ENTRIES, anchoredAt: iso(startedAt), state: 'up-to-date' }],
      chain: {
        state: isBroken ? 'broken' : 'intact',
        checkedAt: iso(startedAt),
        checkedSize: ENTRIES,
        findings: isBroken ? 1 : 0,
      },
      prunedBefore: 0,
    }),
    proof(position: number): AuditProof | undefined {
      const leaf = leaves[position];
      if (leaf === undefined) return undefined;
      const entry = texts[position] ?? '';
      return {
        position,
        entry: position === tampered ? entry.replace('allowed', 'denied') : entry,
        leafHash: leaf.toString('hex'),
        path: pathOf(position, leaves).map((hash) => hash.toString('hex')),
        head,
      };
    },
    keys: (): AuditKeys => ({
      origin: ORIGIN,
      keys: [{ keyId: '00000000', publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }],
    }),
  };
}

function recordAt(position: number, startedAt: number): AuditRecord {
  const at = iso(startedAt - (ENTRIES - position) * 60_000);
  const isEmergency = position % 50 === 7;
  return {
    position,
    at,
    recordedAt: at,
    actor: { kind: 'person', name: position % 3 === 0 ? 'ama' : 'kim', userId: position % 3 === 0 ? 'ama' : 'kim' },
    action: isEmergency ? 'break-glass.use' : 'patient.read',
    resource: { kind: isEmergency ? 'break-glass' : 'patients', id: `P${position % 40}` },
    patientId: `P${position % 40}`,
    purpose: isEmergency ? 'emergency' : 'treatment',
    outcome: position % 20 === 11 ? 'denied' : 'allowed',
    policies: [position % 20 === 11 ? 'other-ward-patient' : 'nurse'],
    correlationId: `req-${position}`,
  };
}

function matches({ actor, action, patientId, outcome, at }: AuditRecord, search: URLSearchParams): boolean {
  const asked = search.get('action');
  const isAction = asked === null || (asked.endsWith('.*') ? action.startsWith(asked.slice(0, -1)) : action === asked);
  return (
    isAction &&
    (search.get('person') ?? actor.name) === actor.name &&
    (search.get('patient') ?? patientId) === patientId &&
    (search.get('outcome') ?? outcome) === outcome &&
    (search.get('from') ?? '') <= at
  );
}

/** RFC 6962 §2.1, as it is written there. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return only;
  const split = splitOf(leaves.length);
  return hashOf(1, treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

function pathOf(position: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  return position < split
    ? [...pathOf(position, leaves.slice(0, split)), treeHash(leaves.slice(split))]
    : [...pathOf(position - split, leaves.slice(split)), treeHash(leaves.slice(0, split))];
}

/** The largest power of two below. */
const splitOf = (count: number): number => 2 ** Math.floor(Math.log2(count - 1));

const hashOf = (prefix: number, ...parts: readonly Buffer[]): Buffer =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.of(prefix), ...parts]))
    .digest();
