import { type Static, Type } from 'typebox';
import { FromVersion, Version } from './problem.ts';

/**
 * Alarm rules as data. The most specific rule of an id holds: built-in default < house < ward < ward's override <
 * patient < patient's override. Durations are milliseconds of event time, limits are in the vital's canonical unit.
 */

export const RuleId = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9.-]{0,63}$',
  description: 'A limit’s id is `vital.comparison.priority`, optionally with more after another dot.',
});
const Vital = Type.Enum(['heartRate', 'spo2', 'respiratoryRate', 'temperature', 'systolic', 'diastolic', 'mean']);
const Priority = Type.Enum(['high', 'medium', 'low']);
const Side = Type.Enum(['above', 'below']);
/** One hour: what is older when it reaches us is not judged at all. */
const Duration = Type.Integer({ minimum: 0, maximum: 3_600_000 });
const closed = { additionalProperties: false } as const;

const face = {
  id: RuleId,
  priority: Priority,
  off: Type.Optional(Type.Boolean({ description: 'Takes the place of the rule it inherits, and never rings.' })),
  note: Type.Optional(Type.String({ maxLength: 500, description: 'For people: what it is for.' })),
};

const SustainedMs = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 3_600_000,
    description:
      'Rings once readings show it for this long: at least two, none of them late, and no gap in which the vital went stale.',
  }),
);

export const LimitShape = Type.Object(
  {
    ...face,
    kind: Type.Literal('limit'),
    vital: Vital,
    comparison: Side,
    limit: Type.Number({ description: 'The limit itself is still within.' }),
    clearAt: Type.Optional(
      Type.Number({
        description: 'Hysteresis: once present it ends only at this value or beyond it, away from the limit.',
      }),
    ),
    sustainedMs: SustainedMs,
    unit: Type.Optional(Type.String({ maxLength: 32, description: 'UCUM; converted. Absent: the canonical unit.' })),
    loinc: Type.Optional(Type.String({ maxLength: 16, description: 'If given, must be the vital’s code.' })),
  },
  closed,
);

export const ChangeShape = Type.Object(
  {
    ...face,
    kind: Type.Literal('change'),
    vital: Vital,
    direction: Type.Enum(['rise', 'fall']),
    by: Type.Number({
      exclusiveMinimum: 0,
      description: 'Present while the value differs from the window’s extreme by at least this.',
    }),
    windowMs: Duration,
    sustainedMs: SustainedMs,
  },
  closed,
);

export const RepeatedShape = Type.Object(
  {
    ...face,
    kind: Type.Literal('repeated'),
    rule: RuleId,
    times: Type.Integer({ minimum: 2, maximum: 20 }),
    windowMs: Type.Integer({ minimum: 1_000, maximum: 86_400_000 }),
  },
  { ...closed, description: 'From the n-th beginning of `rule` within the window on, its alarm has this priority.' },
);

const MaxAgeMs = Type.Optional(
  Type.Integer({
    minimum: 1_000,
    maximum: 21_600_000,
    description: 'An older value says nothing. Default: as long as NEWS2 lets that parameter stand.',
  }),
);
export const Fact = Type.Union([
  Type.Object(
    { vital: Vital, comparison: Side, limit: Type.Number(), clearAt: Type.Optional(Type.Number()), maxAgeMs: MaxAgeMs },
    closed,
  ),
  Type.Object({ oxygen: Type.Boolean(), maxAgeMs: MaxAgeMs }, closed),
  Type.Object(
    {
      consciousness: Type.Array(Type.Enum(['A', 'C', 'V', 'P', 'U']), { minItems: 1, maxItems: 5 }),
      maxAgeMs: MaxAgeMs,
    },
    closed,
  ),
]);
export type Fact = Static<typeof Fact>;
const FactGroup = Type.Object(
  {
    atLeast: Type.Integer({ minimum: 1, maximum: 16, description: '1: any of them; as many as there are: all.' }),
    of: Type.Array(Fact, { minItems: 1, maxItems: 16 }),
  },
  closed,
);
export const CombinationShape = Type.Object(
  {
    ...face,
    kind: Type.Literal('combination'),
    when: Type.Object(
      {
        atLeast: Type.Integer({ minimum: 1, maximum: 16, description: '1: any of them; as many as there are: all.' }),
        of: Type.Array(Type.Union([Fact, FactGroup]), { minItems: 1, maxItems: 16 }),
      },
      closed,
    ),
    sustainedMs: SustainedMs,
  },
  closed,
);

export const News2Shape = Type.Object(
  {
    ...face,
    kind: Type.Literal('news2'),
    atLeast: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
    single3: Type.Optional(Type.Literal(true, { description: 'Any single parameter scores 3; instead of `atLeast`.' })),
    sustainedMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3_600_000,
        description:
          'Rings once it was observed for this long: by two measurements at least, no more than two hours apart.',
      }),
    ),
    clearAt: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 19,
        description: 'Hysteresis of `atLeast`: once present it ends only at this score or below it.',
      }),
    ),
    clearAfterMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 14_400_000,
        description: 'It ends only once it was observed to be over for this long. Absent: at once.',
      }),
    ),
  },
  {
    ...closed,
    description:
      'All rules about the score make one alarm of a patient, `news2.score`: a more urgent rule raises its priority instead of ringing beside it.',
  },
);

export const TechnicalShape = Type.Object(
  {
    ...face,
    kind: Type.Literal('technical'),
    condition: Type.Enum(['lost', 'leads-off', 'battery']),
    below: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Battery only; 0 empty to 1 full.' })),
    clearAt: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  closed,
);

/** By `kind`, so that what is wrong with a rule is named with its own field. */
export const RULE_SHAPES = {
  limit: LimitShape,
  change: ChangeShape,
  repeated: RepeatedShape,
  combination: CombinationShape,
  news2: News2Shape,
  technical: TechnicalShape,
} as const;

export const RuleInput = Type.Union(
  [LimitShape, ChangeShape, RepeatedShape, CombinationShape, News2Shape, TechnicalShape],
  { $id: 'RuleInput' },
);
export type RuleInput = Static<typeof RuleInput>;

export const RuleScope = Type.Enum(['default', 'house', 'ward', 'patient']);
export type RuleScope = Static<typeof RuleScope>;

/** Where a rule comes from, who set it and why. A default has none of the latter. */
export const RuleOrigin = Type.Object(
  {
    scope: RuleScope,
    version: Type.Integer(),
    /** With an override: until when it holds. */
    until: Type.Optional(Type.String()),
    setBy: Type.Optional(Type.String()),
    confirmedBy: Type.Optional(Type.String({ description: 'The second person, where one was needed.' })),
    reason: Type.Optional(Type.String()),
    setAt: Type.Optional(Type.String()),
  },
  { $id: 'RuleOrigin' },
);
export type RuleOrigin = Static<typeof RuleOrigin>;

export const ShownRule = Type.Object({ rule: RuleInput, origin: RuleOrigin }, { $id: 'ShownRule' });
export type ShownRule = Static<typeof ShownRule>;

export const RuleProblem = Type.Object(
  {
    severity: Type.Enum(['error', 'warning']),
    code: Type.String(),
    field: Type.String({ description: 'Such as `rules.2.limit`.' }),
    detail: Type.String(),
  },
  { $id: 'RuleProblem' },
);
export type RuleProblem = Static<typeof RuleProblem>;

/** A rule for a limited time: it ends by itself, and then what it replaced holds again. */
export const RuleOverride = Type.Object(
  {
    id: Type.String(),
    scope: Type.Enum(['ward', 'patient']),
    scopeId: Type.String(),
    rule: RuleInput,
    from: Type.String(),
    until: Type.String(),
    setBy: Type.String(),
    confirmedBy: Type.Optional(Type.String()),
    reason: Type.String(),
  },
  { $id: 'RuleOverride' },
);
export type RuleOverride = Static<typeof RuleOverride>;

const BurdenSide = Type.Object({
  alarms: Type.Integer({ description: 'Of the patient, not of the measurement.' }),
  perPatientDay: Type.Number(),
  missed: Type.Integer({ description: 'Sustained events during which none of them was there.' }),
});

/** What somebody had been shown of a change before they made it: the figures of its alarm-burden preview. */
export const SeenBurden = Type.Object(
  {
    by: Type.String(),
    at: Type.String(),
    dataset: Type.Optional(Type.String({ description: 'Recorded patients instead of the place’s own.' })),
    revision: Type.Integer({ description: 'Of the rules it was compared with.' }),
    from: Type.String(),
    to: Type.String(),
    patients: Type.Integer(),
    patientDays: Type.Number(),
    before: BurdenSide,
    after: BurdenSide,
    sustainedEvents: Type.Integer(),
    newlyMissed: Type.Integer(),
    delayed: Type.Integer(),
  },
  { $id: 'SeenBurden' },
);
export type SeenBurden = Static<typeof SeenBurden>;

/** A change that widens a critical limit, waiting for a second person. Until then the old rule holds. */
export const RuleProposal = Type.Object(
  {
    id: Type.String(),
    scope: Type.Enum(['house', 'ward', 'patient']),
    scopeId: Type.String({ description: 'Empty for the house.' }),
    ruleId: RuleId,
    rule: Type.Optional(RuleInput),
    /** Not a rule, but whether NEWS2 is used for the patient. */
    news2: Type.Optional(
      Type.Object({
        spo2Scale: Type.Enum([1, 2]),
        use: Type.Enum(['by-age', 'off']),
        why: Type.Optional(Type.Enum(['pregnancy', 'end-of-life', 'other'])),
      }),
    ),
    /** With an override. */
    until: Type.Optional(Type.String()),
    /** In words: what it does to the rule that holds now. */
    effect: Type.String(),
    askedBy: Type.String(),
    reason: Type.String(),
    askedAt: Type.String(),
    expiresAt: Type.String(),
    state: Type.Enum(['open', 'confirmed', 'refused', 'expired', 'superseded']),
    decidedBy: Type.Optional(Type.String()),
    /** What who asked for it had been shown. */
    preview: Type.Optional(SeenBurden),
    /** May the caller confirm it? Not who asked. */
    mayConfirm: Type.Boolean(),
  },
  { $id: 'RuleProposal', description: '`rule` and `news2` absent: the own rule is taken away.' },
);
export type RuleProposal = Static<typeof RuleProposal>;

/** NEWS2 of one patient. */
export const News2Prescription = Type.Object(
  {
    spo2Scale: Type.Enum([1, 2]),
    /** `off`: not used for this patient, whatever their age. */
    use: Type.Enum(['by-age', 'off']),
    why: Type.Optional(Type.Enum(['pregnancy', 'end-of-life', 'other'])),
    /** Absent: the score applies. */
    notApplicable: Type.Optional(Type.Enum(['under-16', 'pregnancy', 'end-of-life', 'other'])),
    version: Version,
  },
  { $id: 'News2Prescription' },
);
export type News2Prescription = Static<typeof News2Prescription>;

/** `GET|PUT /api/house/rules`, `/api/wards/{id}/rules`, `/api/patients/{id}/rules`. Also sent as `ETag`: the revision. */
export const RuleSetResponse = Type.Object(
  {
    scope: Type.Enum(['house', 'ward', 'patient']),
    scopeId: Type.String(),
    revision: Type.Integer({ description: '0: nothing of its own yet.' }),
    /** Its own rules. */
    own: Type.Array(ShownRule),
    /** What holds there, own and inherited, switched-off ones too. */
    inForce: Type.Array(ShownRule),
    overrides: Type.Array(RuleOverride),
    proposals: Type.Array(RuleProposal),
    /** Of a patient. */
    news2: Type.Optional(News2Prescription),
    /** With a PUT: what the linter warns of. */
    warnings: Type.Optional(Type.Array(RuleProblem)),
  },
  { $id: 'RuleSet' },
);
export type RuleSetResponse = Static<typeof RuleSetResponse>;

const Reason = Type.String({ minLength: 3, maxLength: 500 });
/** Each is checked by its kind's shape (`RULE_SHAPES`), so that errors name their field. */
const SomeRule = Type.Unsafe<RuleInput>(
  Type.Object({ id: RuleId, kind: Type.Enum(['limit', 'change', 'repeated', 'combination', 'news2', 'technical']) }),
);

/** The complete list of own rules: one that is not on it is taken away, and what it replaced holds again. */
export const PutRules = Type.Object(
  {
    reason: Reason,
    expectedRevision: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Or `If-Match`. One of the two is needed; 412 if it changed meanwhile.',
      }),
    ),
    preview: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'The preview of these rules whose figures you were shown: kept with the versions.',
      }),
    ),
    rules: Type.Array(SomeRule, { maxItems: 100 }),
  },
  { $id: 'PutRules', additionalProperties: false },
);
export type PutRules = Static<typeof PutRules>;

/** `POST …/rules/overrides`. */
export const PostOverride = Type.Object(
  {
    reason: Reason,
    rule: SomeRule,
    from: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339; default now.' })),
    until: Type.String({ maxLength: 40, description: 'RFC 3339; at most 7 days ahead.' }),
  },
  { $id: 'PostOverride', additionalProperties: false },
);
export type PostOverride = Static<typeof PostOverride>;

/** `POST /api/rules/lint`: as PUT would judge it, and nothing is kept. */
export const LintRules = Type.Object(
  {
    scope: Type.Optional(Type.Enum(['house', 'ward', 'patient'])),
    scopeId: Type.Optional(Type.String({ maxLength: 64 })),
    rules: Type.Array(SomeRule, { maxItems: 100 }),
  },
  { $id: 'LintRules', additionalProperties: false },
);
export type LintRules = Static<typeof LintRules>;
export const LintResult = Type.Object(
  {
    problems: Type.Array(RuleProblem),
    /** Rules whose change would wait for a second person. */
    needsSecondPerson: Type.Array(RuleId),
  },
  { $id: 'LintResult' },
);
export type LintResult = Static<typeof LintResult>;

/** `GET …/rules/versions`: newest first. */
export const RuleVersions = Type.Object(
  {
    versions: Type.Array(
      Type.Object({
        ruleId: RuleId,
        version: Type.Integer(),
        revision: Type.Integer(),
        /** Absent: taken away. */
        rule: Type.Optional(RuleInput),
        setBy: Type.String(),
        confirmedBy: Type.Optional(Type.String()),
        reason: Type.String(),
        setAt: Type.String(),
        /** What who set it had been shown. */
        preview: Type.Optional(SeenBurden),
      }),
    ),
  },
  { $id: 'RuleVersions' },
);
export type RuleVersions = Static<typeof RuleVersions>;

export const RuleProposals = Type.Object({ proposals: Type.Array(RuleProposal) }, { $id: 'RuleProposals' });
export type RuleProposals = Static<typeof RuleProposals>;

/** `PUT /api/patients/{id}/news2`. */
export const PutNews2 = Type.Object(
  {
    reason: Reason,
    spo2Scale: Type.Enum([1, 2]),
    use: Type.Enum(['by-age', 'off'], { description: '`off`, where it was not, waits for a second person (202).' }),
    why: Type.Optional(Type.Enum(['pregnancy', 'end-of-life', 'other'])),
    version: FromVersion,
  },
  { $id: 'PutNews2', additionalProperties: false },
);
export type PutNews2 = Static<typeof PutNews2>;

/** `GET /api/patients/{id}/news2/versions`: newest first. */
export const News2Versions = Type.Object(
  {
    versions: Type.Array(
      Type.Object({
        version: Type.Integer(),
        spo2Scale: Type.Enum([1, 2]),
        use: Type.Enum(['by-age', 'off']),
        why: Type.Optional(Type.Enum(['pregnancy', 'end-of-life', 'other'])),
        setBy: Type.String(),
        confirmedBy: Type.Optional(Type.String({ description: 'The second person, where one was needed.' })),
        reason: Type.String(),
        setAt: Type.String(),
      }),
    ),
  },
  { $id: 'News2Versions' },
);
export type News2Versions = Static<typeof News2Versions>;

/** What `healthsync rules export` writes, and `rules import` and `rules lint` read. */
export const RuleFile = Type.Object(
  {
    format: Type.Literal('healthsync-rules/1'),
    sets: Type.Array(
      Type.Object(
        {
          scope: Type.Enum(['house', 'ward', 'patient']),
          id: Type.Optional(Type.String({ description: 'The ward’s or patient’s; none for the house.' })),
          rules: Type.Array(SomeRule, { maxItems: 100 }),
        },
        closed,
      ),
      { maxItems: 20_000 },
    ),
  },
  { $id: 'RuleFile', additionalProperties: false },
);
export type RuleFile = Static<typeof RuleFile>;
