import { randomBytes } from 'node:crypto';
import { PostgresAccounts } from './accounts.ts';
import { PostgresAlarmEvents } from './alarm-events.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { PostgresAuditStore } from './audit-store.ts';
import { PostgresCareTeams } from './care-teams.ts';
import { PostgresConsents } from './consents.ts';
import { PostgresContacts } from './contacts.ts';
import { PostgresDeviceCertificates } from './device-certificates.ts';
import { PostgresDeviceEnrollments } from './device-enrollments.ts';
import { PostgresEmergencyAccesses } from './emergency-accesses.ts';
import { PostgresEscalations } from './escalations.ts';
import { PostgresEventSubscriptions } from './event-subscriptions.ts';
import { PostgresOAuthClients } from './oauth-clients.ts';
import { PostgresOutbox } from './outbox.ts';
import { PostgresOwnRecords } from './own-records.ts';
import { PostgresPushSubscriptions } from './push-subscriptions.ts';
import { PostgresReadingArchive } from './reading-archive.ts';
import { PostgresRegistry } from './registry.ts';
import { PostgresRejectedReadings } from './rejected-readings.ts';
import { PostgresRotas } from './rotas.ts';
import { PostgresRuleSets } from './rule-sets.ts';
import { PostgresSecondFactors } from './second-factors.ts';
import { PostgresSecurityAlerts } from './security-alerts.ts';
import { PostgresSystemAlarms } from './system-alarms.ts';
import type { AskingConnections } from './tenant-connections.ts';
import { PostgresTopicSubscriptions } from './topic-subscriptions.ts';
import { PostgresUserDirectory } from './user-directory.ts';
import { PostgresVipPatients } from './vip-patients.ts';
import { PostgresVitalsHistory } from './vitals-history.ts';
import { PostgresWardPlan } from './ward-plan.ts';

/** Some moment. */
export const T = 1_750_000_000_000;
/** The first organisation is called `south` in what tells them apart. */
export const tenantOf = (side: string) => (side === 'south' ? 'default' : side);

const seal = {
  seal: async (_patient: unknown, _field: unknown, text: string) => Buffer.from(text),
  open: async (_patient: unknown, _field: unknown, sealed: Uint8Array) => Buffer.from(sealed).toString(),
};
const made = { by: 'x', atMs: T + 1 };
const unique = () => randomBytes(6).toString('hex');

/** What it is asked, with the ids of a side. `house`: no request asks for it, and not all of it is permitted. */
type Asked = Readonly<Record<string, 'house' | ((s: string) => readonly unknown[])>>;
interface Adapter {
  readonly of: 'asking' | 'accounts';
  // biome-ignore lint/suspicious/noExplicitAny: whatever it takes
  readonly make: (connections: AskingConnections) => any;
  readonly asked: Asked;
}
const care = (make: Adapter['make'], asked: Asked): Adapter => ({ of: 'asking', make, asked });
const accounts = (make: Adapter['make'], asked: Asked): Adapter => ({ of: 'accounts', make, asked });
const listing = { limit: 100 };

export const ADAPTERS: readonly Adapter[] = [
  care((db) => new PostgresAlarmStore(db, { seal }), {
    ...Object.fromEntries(
      ['apply', 'act', 'acknowledge', 'acknowledgeMany', 'passTime', 'nextDueMs'].map(
        (name) => [name, 'house'] as const,
      ),
    ),
    list: () => [{ ...listing }],
    find: (s) => [`${s}-a`],
    history: (s) => [`${s}-a`],
    notes: (s) => [`${s}-a`],
  }),
  care((db) => new PostgresAlarmEvents(db), {
    sequence: 'house',
    forget: 'house',
    head: () => [],
    positionBefore: () => [T],
    read: () => [{ after: 0, limit: 10 }],
  }),
  care((db) => new PostgresAuditStore(db, { ofAll: { positionAt: async () => 0 } }), {
    search: (s) => [{ limit: 10, person: s, tenantId: tenantOf(s) }],
    ...Object.fromEntries(
      `open append appendInTurn read tiles heads pending cursor cursors setCursor positionAt prune prunedBefore lastCheck
        setLastCheck`
        .split(/\s+/)
        .map((name) => [name, 'house'] as const),
    ),
  }),
  care((db) => new PostgresCareTeams(db), {
    team: (s) => [`${s}-w`, T],
    putShifts: (s) => [{ wardId: `${s}-w`, zone: 'UTC', shifts: [], ...made }],
    assign: (s) => [
      {
        id: `${s}-${unique()}`,
        wardId: `${s}-w`,
        role: 'nurse',
        userId: `${s}-u`,
        bedIds: [],
        patientIds: [],
        fromMs: T,
        madeBy: 'x',
        madeAtMs: T,
      },
    ],
    endAssignment: (s) => [{ wardId: `${s}-w`, id: `${s}-x`, ...made }],
    quietHours: (s) => [{ wardId: `${s}-w`, userIds: [`${s}-u`] }],
    putQuietHours: (s) => [{ owner: { kind: 'user', userId: `${s}-u` }, hours: { zone: 'UTC', windows: [] }, ...made }],
  }),
  care((db) => new PostgresConsents(db), {
    keep: (s) => [{ ...consentOf(s), id: `${s}-consent`, version: 2, tenantId: tenantOf(s) }],
    versions: (s) => [`${s}-consent`],
    ofPatient: (s) => [`${s}-p`],
    recent: (s) => [{ tenantId: tenantOf(s), limit: 10 }],
    standing: 'house',
  }),
  care((db) => new PostgresDeviceCertificates(db), {
    doubt: (s) => [
      {
        id: unique(),
        tenantId: tenantOf(s),
        deviceId: `${s}-d`,
        receivedFromMs: T,
        receivedUntilMs: T,
        reason: 'r',
        declaredBy: 'x',
        declaredAtMs: T,
      },
    ],
    ...Object.fromEntries(
      ['keyUses', 'firstUsed', 'revokeSuperseded', 'revokeAuthority', 'nextListNumber'].map(
        (name) => [name, 'house'] as const,
      ),
    ),
  }),
  care((db) => new PostgresDeviceEnrollments(db), {
    add: (s) => [
      {
        id: unique(),
        tenantId: tenantOf(s),
        deviceId: `${s}-d3`,
        codeSha256: unique(),
        patientId: `${s}-p`,
        invitedBy: 'x',
        invitedAtMs: T,
        expiresAtMs: T,
      },
    ],
    find: (s) => [`${s}-enrollment`],
    list: (s) => [{ tenantId: tenantOf(s), limit: 10 }],
    decide: (s) => [`${s}-enrollment`, { state: 'withdrawn', ...made }],
    complete: (s) => [`${s}-enrollment`, { serial: 's', certificatePem: 'c' }],
    findByCode: 'house',
    bind: 'house',
  }),
  care((db) => new PostgresEmergencyAccesses(db), {
    begin: (s) => [
      {
        id: unique(),
        tenantId: tenantOf(s),
        userId: `${s}-u`,
        signed: s,
        patientId: `${s}-p`,
        reason: 'r',
        proof: 'password',
        beganAtMs: T,
        endsAtMs: T + 9,
      },
    ],
    end: (s) => [{ id: `${s}-emergency`, ...made }],
    review: (s) => [{ id: `${s}-emergency`, justified: true, comment: 'c', byId: `${s}-u2`, ...made }],
    find: (s) => [`${s}-emergency`],
    list: () => [{ isReviewed: false, limit: 10 }],
    running: 'house',
    overdue: 'house',
  }),
  care((db) => new PostgresEscalations(db), {
    rounds: (s) => [`${s}-a`],
    round: (s) => [{ alarmId: `${s}-a`, round: 1 }],
    ...Object.fromEntries(['told', 'end', 'hold', 'dueTellings', 'release'].map((name) => [name, 'house'] as const)),
  }),
  care((db) => new PostgresEventSubscriptions(db, { seal: async () => 'x', open: async () => 'x' } as never), {
    list: () => [],
    add: (s) => [
      { name: s, url: `https://${s}.example`, detail: 'place', routes: [], secret: 'x', position: 0, ...made },
    ],
    change: (s) => [`${s}-subscription`, { isPaused: true }],
    remove: (s) => [`${s}-subscription`],
    take: 'house',
    record: 'house',
  }),
  care((db) => new PostgresOutbox(db), {
    deliveries: (s) => [`${s}-a`],
    traffic: () => [],
    ...Object.fromEntries(
      'fanOut enqueue enqueueSystem take tellWith record summarise noteReceipt latestTo wasTold'
        .split(' ')
        .map((name) => [name, 'house'] as const),
    ),
  }),
  care((db) => new PostgresReadingArchive(db), {
    count: (s) => [{ patientIds: [`${s}-p`], fromMs: T, toMs: T + 9 }],
    read: (s) => [{ patientId: `${s}-p`, fromMs: T, toMs: T + 9 }],
  }),
  care((db) => new PostgresRegistry(db, undefined as never, { mrnIndex: async () => Buffer.from('x') } as never), {
    snapshot: () => [],
    watch: 'house',
    putWard: (s) => [{ id: `${s}-w`, name: `again ${unique()}` }],
    putBed: (s) => [{ id: `${s}-b`, wardId: `${s}-w`, label: 'again' }],
    putPatient: (s) => [{ id: `${s}-p`, bedId: `${s}-b`, sex: 'female' }],
    findPatient: (s) => [`${s}-p`],
    patientsByMrn: () => ['4711'],
    patients: (s) => [{ wardIds: [`${s}-w`] }],
    putDevice: (s) => [{ id: `${s}-d`, profile: 'again', createdAtMs: T }],
    putDeviceConfig: (s) => [{ deviceId: `${s}-d`, config: {} }],
    devices: () => [],
    assign: (s) => [{ deviceId: `${s}-d`, patientId: `${s}-p`, fromMs: T }],
    unassign: (s) => [{ deviceId: `${s}-d`, atMs: T + 9 }],
    addCertificate: (s) => [{ serial: unique(), deviceId: `${s}-d`, notBeforeMs: T, notAfterMs: T + 9 }],
    revoke: (s) => [{ deviceId: `${s}-d`, atMs: T, reason: 'r' }],
    addDeviceToken: (s) => [{ deviceId: `${s}-d`, sha256: unique(), createdAtMs: T, expiresAtMs: T + 9 }],
  }),
  care((db) => new PostgresRejectedReadings(db, undefined as never), {
    add: 'house',
    list: (s) => [{ deviceId: `${s}-d`, limit: 10 }],
    find: () => ['987654'],
    mark: () => ['987654', 'dismissed', T, 'x'],
  }),
  care((db) => new PostgresRotas(db), {
    list: () => [],
    find: (s) => [`${s}-rota`],
    versions: (s) => [`${s}-rota`],
    put: (s) => [
      {
        rota: { id: `${s}-rota`, name: s, wardIds: [`${s}-w`], zone: 'UTC', layers: [] },
        retired: false,
        reason: 'r',
        ...made,
      },
    ],
    overrides: () => [{ fromMs: 0, toMs: T * 2 }],
    addOverride: (s) => [
      {
        id: unique(),
        rotaId: `${s}-rota`,
        layer: 'first',
        userId: `${s}-u`,
        fromMs: T,
        toMs: T + 9,
        reason: 'r',
        madeBy: 'x',
        madeAtMs: T,
      },
    ],
    withdrawOverride: (s) => [{ rotaId: `${s}-rota`, id: 'x', ...made }],
  }),
  care((db) => new PostgresRuleSets(db), {
    read: (s) => [{ place: placeOf(s), nowMs: T }],
    put: (s) => [{ place: placeOf(s), rules: [], remove: ['none'], propose: [], reason: 'r', ...made }],
    versions: (s) => [{ place: placeOf(s), limit: 10 }],
    addOverride: (s) => [
      { id: unique(), place: placeOf(s), rule: { id: 'r' }, fromMs: T, untilMs: T + 9, reason: 'r', ...made },
    ],
    endOverride: (s) => [{ id: `${s}-override`, reason: 'r', ...made }],
    findOverride: (s) => [`${s}-override`],
    proposals: (s) => [{ place: placeOf(s), open: true, limit: 10, nowMs: T }],
    findProposal: (s) => [{ id: `${s}-proposal`, nowMs: T }],
    decide: (s) => [{ id: `${s}-proposal`, confirm: true, byId: `${s}-u`, ...made }],
    putNews2: (s) => [{ patientId: `${s}-p`, spo2Scale: 1, use: { kind: 'by-age' }, reason: 'r', ...made }],
    news2Versions: (s) => [`${s}-p`],
  }),
  care((db) => new PostgresSecurityAlerts(db), {
    list: (s) => [{ tenantId: tenantOf(s), limit: 10 }],
    counts: (s) => [tenantOf(s)],
    find: (s) => [`${s}-alert`, tenantOf(s)],
    look: (s) => [{ id: `${s}-alert`, tenantId: tenantOf(s), byId: `${s}-u`, ...made }],
    close: (s) => [
      { id: `${s}-alert`, tenantId: tenantOf(s), byId: `${s}-u`, verdict: 'justified', note: 'n', ...made },
    ],
    ...Object.fromEntries(
      ['progress', 'memories', 'advance', 'forget', 'raise', 'untold', 'markTold'].map(
        (name) => [name, 'house'] as const,
      ),
    ),
  }),
  care((db) => new PostgresSystemAlarms(db), { put: 'house', list: () => [{ limit: 10 }] }),
  care((db) => new PostgresTopicSubscriptions(db), {
    list: () => [],
    put: (s) => [{ topic: { class: 'system' }, subscriber: { kind: 'user', userId: `${s}-u` }, ...made }],
    versionOf: (s) => [`${s}-u`],
    replaceOf: (s) => [`${s}-u`, [], { ...made, from: 1 }],
    remove: (s) => [`${s}-topic`, made],
  }),
  care((db) => new PostgresVipPatients(db, seal as never), {
    find: (s) => [`${s}-p`],
    set: (s) => [{ patientId: `${s}-p`, sinceMs: T, byId: `${s}-u`, by: 'x', reason: 'r' }],
    lift: (s) => [`${s}-p`],
  }),
  care((db) => new PostgresVitalsHistory(db), {
    gather: 'house',
    position: 'house',
    read: (s) => [{ patientId: `${s}-p`, fromMs: T, toMs: T + 9, limit: 10 }],
    trend: (s) => [{ patientId: `${s}-p`, vital: 'heartRate', fromMs: T, toMs: T + 9, buckets: 2 }],
    latest: (s) => [[`${s}-p`]],
  }),
  care((db) => new PostgresWardPlan(db), {
    addWard: (s) => [{ id: `${s}-w`, name: 'again' }],
    changeWard: (s) => [{ id: `${s}-w`, name: `again ${unique()}` }],
    removeWard: (s) => [`${s}-w`],
    addBed: (s) => [{ id: `${s}-b`, wardId: `${s}-w`, label: 'another' }],
    changeBed: (s) => [{ bed: { id: `${s}-b`, wardId: `${s}-w`, label: 'again' }, from: `${s}-w`, nowMs: T }],
    removeBed: (s) => [{ id: `${s}-b`, from: `${s}-w`, nowMs: T }],
  }),
  accounts((db) => new PostgresAccounts(db), {
    users: () => [],
    findUserById: (s) => [`${s}-u`],
    addToken: (s) => [
      { sha256: unique(), kind: 'api', userId: `${s}-u`, createdAtMs: T, idleExpiresAtMs: T, expiresAtMs: T },
    ],
    findToken: (s) => [`${s}-token`, Date.now()],
    touchToken: (s) => [`${s}-token`, { idleExpiresAtMs: T * 2, usedAtMs: T }],
    putProof: (s) => [`${s}-token`, { authenticatedAtMs: T, factors: ['password'] }],
    tokensOf: (s) => [`${s}-u`, Date.now()],
    apiKeys: (s) => [{ tenantId: tenantOf(s), nowMs: Date.now() }],
    revokeToken: (s) => [`${s}-token`, T],
    revokeTokensOf: (s) => [{ userId: `${s}-u`, atMs: T }],
    ...Object.fromEntries(
      [
        'putUser',
        'putPassword',
        'findUser',
        'disable',
        'claimSetup',
        'putSetup',
        'hasUsers',
        'keysEnding',
        'noteEndTold',
      ].map((name) => [name, 'house'] as const),
    ),
  }),
  accounts((db) => new PostgresContacts(db), {
    of: (s) => [[`${s}-u`]],
    people: (s) => [[`${s}-u`]],
    ofUser: (s) => [`${s}-u`],
    userOf: (s) => ['smtp', `${s}@a.example`],
    versionOf: (s) => [`${s}-u`],
    put: (s) => [{ userId: `${s}-u`, channel: 'smtp', address: 'more@a.example', atMs: T }],
    startVerification: (s) => [
      { userId: `${s}-u`, channel: 'smtp', address: `${s}@a.example`, codeSha256: 'x', expiresAtMs: T * 2 },
    ],
    verify: (s) => [
      { userId: `${s}-u`, channel: 'smtp', address: `${s}@a.example`, codeSha256: 'x', atMs: T, triesMax: 5 },
    ],
    vouch: (s) => [{ userId: `${s}-u`, channel: 'smtp', address: `${s}@a.example`, by: 'admin', atMs: T }],
    remove: (s) => [{ userId: `${s}-u`, channel: 'smtp', address: `${s}@a.example`, atMs: T }],
    replace: (s) => [`${s}-u`, [{ channel: 'smtp', address: 'new@a.example' }], { ...made, from: 2 }],
  }),
  accounts((db) => new PostgresOAuthClients(db), {
    find: (s) => [`${s}-client`],
    list: () => [],
    add: (s) => [
      {
        id: `${s}-client`,
        kind: 'app',
        name: 'c',
        redirectUris: [],
        scopes: [],
        roles: [],
        wardIds: [],
        tenantId: tenantOf(s),
        createdAtMs: T,
        createdBy: 'x',
      },
    ],
    putKeys: (s) => [`${s}-client`, { from: { keys: [] }, to: { keys: [{}] } }],
    disable: (s) => [`${s}-client`, T],
    noteUse: (s) => [`${s}-client`, T],
  }),
  accounts((db) => new PostgresOwnRecords(db), {
    all: 'house',
    find: (s) => [`${s}-u`],
    put: (s) => [`${s}-u`, { patientId: `${s}-p` }, made],
  }),
  accounts((db) => new PostgresPushSubscriptions(db), {
    of: (s) => [`${s}-u`],
    put: (s) => [
      { id: unique(), userId: `${s}-u`, endpoint: 'https://x.example', p256dh: 'x', auth: 'x', createdAtMs: T },
    ],
    remove: (s) => [`${s}-u`, `https://${s}.example`],
    removeGone: (s) => [`${s}-push`],
  }),
  accounts((db) => new PostgresSecondFactors(db), {
    list: (s) => [`${s}-u`],
    findPasskey: (s) => [`${s}-credential`],
    useStep: (s) => [{ id: `${s}-factor`, step: 1, atMs: T }],
    usePasskey: (s) => [{ id: `${s}-factor`, counter: 1, atMs: T }],
    useRecoveryCode: (s) => [{ userId: `${s}-u`, sha256: `${s}-code`, atMs: T }],
    putRecoveryCodes: (s) => [`${s}-u`, ['again']],
    recoveryCodesLeft: (s) => [`${s}-u`],
    remove: (s) => [{ userId: `${s}-u`, id: `${s}-factor` }],
    clear: (s) => [`${s}-u`],
    add: 'house',
    spend: 'house',
  }),
  accounts((db) => new PostgresUserDirectory(db), {
    find: (s) => [`${s}-u`],
    list: (s) => [{ tenantId: tenantOf(s), offset: 0, limit: 10 }],
    add: (s) => [{ ...newUser(s), tenantId: tenantOf(s) }],
    change: (s) => [`${s}-u`, { displayName: 'Other', roles: ['admin'], disabledAtMs: null }],
    putInvitation: (s) => [{ sha256: unique(), userId: `${s}-u`, expiresAtMs: T }],
    groups: () => [{ offset: 0, limit: 10 }],
    findGroup: (s) => [`${s}-group`],
    addGroup: (s) => [{ id: `${s}-${unique()}`, displayName: unique(), atMs: T }],
    changeGroup: (s) => [`${s}-group`, { displayName: 'again', replace: [`${s}-u`], atMs: T }],
    groupsOf: (s) => [`${s}-u`],
    removeGroup: (s) => [`${s}-group`],
    findFederated: 'house',
    link: 'house',
    claimInvitation: 'house',
  }),
];

const placeOf = (s: string) => ({ scope: 'patient', patientId: `${s}-p` });
const consentOf = (s: string) => ({
  patientId: `${s}-p`,
  purpose: 'research',
  decision: 'permit',
  state: 'revoked',
  fromMs: T,
  givenAtMs: T,
  recordedAtMs: T,
  recordedBy: 'x',
});
const newUser = (s: string) => ({
  id: `${s}-${unique()}`,
  name: unique(),
  displayName: 'New',
  roles: ['nurse'],
  wardIds: [],
  source: 'local',
  profile: {},
});
