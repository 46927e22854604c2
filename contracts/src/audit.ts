import { type Static, Type } from 'typebox';

export const AuditOutcome = Type.Enum(['allowed', 'denied', 'failed']);
export const AuditActorKind = Type.Enum(['person', 'service', 'device', 'system']);

/** One entry as the log holds it: who did what, when, why, and how it ended. Never a clinical value. */
export const AuditRecord = Type.Object(
  {
    position: Type.Integer({ description: 'Its place in the log, from 0, without gaps.' }),
    at: Type.String({ description: 'When it happened.' }),
    recordedAt: Type.String({ description: 'When it was written down.' }),
    actor: Type.Object({
      kind: AuditActorKind,
      name: Type.String(),
      userId: Type.Optional(Type.String()),
      address: Type.Optional(Type.String()),
      sessionId: Type.Optional(Type.String()),
    }),
    action: Type.String({ description: '`patient.read`, `session.sign-in`' }),
    resource: Type.Object({ kind: Type.String(), id: Type.Optional(Type.String()) }),
    patientId: Type.Optional(Type.String()),
    purpose: Type.Optional(Type.String()),
    outcome: AuditOutcome,
    policies: Type.Optional(Type.Array(Type.String())),
    correlationId: Type.String(),
    tenantId: Type.Optional(Type.String()),
    detail: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
  },
  { $id: 'AuditRecord' },
);
export type AuditRecord = Static<typeof AuditRecord>;

/** `GET /api/audit`: newest first. */
export const AuditPage = Type.Object(
  {
    entries: Type.Array(AuditRecord),
    next: Type.Optional(Type.Integer({ description: '`before` of the next page; absent on the last.' })),
  },
  { $id: 'AuditPage' },
);
export type AuditPage = Static<typeof AuditPage>;

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hexadecimal' });

/** What was said, and signed, about the whole log at one moment: nothing before it can change unseen. */
export const AuditTreeHead = Type.Object(
  {
    size: Type.Integer({ description: 'Entries it covers.' }),
    rootHash: Hash,
    signedAt: Type.String(),
    keyId: Type.String({ description: 'Of the key in `/.well-known/healthsync-audit-keys`.' }),
    note: Type.String({ description: 'The signed text (C2SP checkpoint), with its signature.' }),
  },
  { $id: 'AuditTreeHead' },
);
export type AuditTreeHead = Static<typeof AuditTreeHead>;

/** A place outside the database that keeps tree heads. */
export const AuditAnchor = Type.Object(
  {
    name: Type.String(),
    size: Type.Optional(Type.Integer({ description: 'Of the last tree head it took; absent: none yet.' })),
    anchoredAt: Type.Optional(Type.String()),
    state: Type.Enum(['up-to-date', 'behind', 'failing']),
  },
  { $id: 'AuditAnchor' },
);
export type AuditAnchor = Static<typeof AuditAnchor>;

/** For the chain's badge. */
export const AuditChain = Type.Object(
  {
    /** `broken`: what is stored is not what was signed. `unchecked`: nobody has verified yet. */
    state: Type.Enum(['intact', 'broken', 'unchecked']),
    checkedAt: Type.Optional(Type.String()),
    /** How many entries the last verification covered. */
    checkedSize: Type.Optional(Type.Integer()),
    findings: Type.Optional(Type.Integer()),
    wholeCheckedAt: Type.Optional(
      Type.String({ description: 'When all of it was verified last; since then only what is new.' }),
    ),
    divergences: Type.Optional(
      Type.Array(Type.Enum(['not-as-signed', 'not-as-before', 'foreign-key', 'held-altered']), {
        description: 'What the running server found the log not to be while it wrote.',
      }),
    ),
  },
  { $id: 'AuditChain' },
);
export type AuditChain = Static<typeof AuditChain>;

/** That the database came back from a backup on purpose: what was signed before is not all here. */
export const AuditRestore = Type.Object(
  {
    /** Of the entry that says so. */
    position: Type.Integer(),
    acceptedAt: Type.String(),
    by: Type.String(),
    reason: Type.String(),
    /** Entries that are not here. */
    lost: Type.Object({ from: Type.Integer(), to: Type.Integer(), signedUntil: Type.String() }),
  },
  { $id: 'AuditRestore' },
);
export type AuditRestore = Static<typeof AuditRestore>;

/** `GET /api/audit/heads`: the present one, and earlier ones, newest first. */
export const AuditHeads = Type.Object(
  {
    head: Type.Optional(AuditTreeHead),
    heads: Type.Array(AuditTreeHead),
    anchors: Type.Array(AuditAnchor),
    chain: AuditChain,
    /** Those that were accepted and signed, oldest first. */
    restores: Type.Optional(Type.Array(AuditRestore)),
    /** Entries below this have been deleted after their retention; their hashes remain. */
    prunedBefore: Type.Integer(),
  },
  { $id: 'AuditHeads' },
);
export type AuditHeads = Static<typeof AuditHeads>;

/** `GET /api/audit/proof?position=`: that this very entry is in the log (RFC 6962 §2.1.1). */
export const AuditProof = Type.Object(
  {
    position: Type.Integer(),
    /** The leaf's bytes, as UTF-8; absent where the entry was deleted after its retention. */
    entry: Type.Optional(Type.String()),
    leafHash: Hash,
    path: Type.Array(Hash),
    head: AuditTreeHead,
  },
  { $id: 'AuditProof' },
);
export type AuditProof = Static<typeof AuditProof>;

/** `GET /api/audit/consistency?first=`: that the log then is the beginning of the log now (RFC 6962 §2.1.2). */
export const AuditConsistency = Type.Object(
  { first: Type.Integer(), path: Type.Array(Hash), head: AuditTreeHead },
  { $id: 'AuditConsistency' },
);
export type AuditConsistency = Static<typeof AuditConsistency>;

/** `GET /api/audit/routes`: of every address of this server. */
export const AuditRoutes = Type.Object(
  {
    routes: Type.Array(
      Type.Object({
        method: Type.String(),
        url: Type.String(),
        kind: Type.Enum(['audited', 'refusals-only', 'harmless']),
        action: Type.Optional(Type.String({ description: 'Under which name it is written down.' })),
        when: Type.Optional(Type.Enum(['before', 'after', 'stream'])),
        why: Type.Optional(Type.String({ description: 'Why not everything is.' })),
      }),
    ),
  },
  { $id: 'AuditRoutes' },
);
export type AuditRoutes = Static<typeof AuditRoutes>;

/** `GET /.well-known/healthsync-audit-keys`: with what tree heads are signed (Ed25519). */
export const AuditKeys = Type.Object(
  {
    origin: Type.Optional(Type.String({ description: 'First line of every tree head of this log.' })),
    keys: Type.Array(
      Type.Object({
        keyId: Type.String(),
        publicKey: Type.String({ description: 'SubjectPublicKeyInfo, PEM' }),
        verifierKey: Type.Optional(Type.String({ description: 'The same as C2SP signed-note writes it.' })),
      }),
    ),
  },
  { $id: 'AuditKeys' },
);
export type AuditKeys = Static<typeof AuditKeys>;
