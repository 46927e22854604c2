import { ACCOUNT_ROLES, ACTION_NAMES, ACTIONS, type Action, ROLES, type Role } from '../domain/access.ts';
import {
  DEFAULT_TENANT,
  type DeviceId,
  type PatientId,
  type TenantId,
  type UserId,
  type WardId,
} from '../domain/ids.ts';
import { type AccessFacts, NO_FACTS } from './access-facts.ts';
import { createDecisions } from './cedar-decisions.ts';
import type { Decision, Obligation, Question, ResourceRef, Subject } from './decisions.ts';
import type { Policies } from './policy-files.ts';
import { roleAlone } from './role-alone.ts';

/** What every role may do in every situation, asked of the policies themselves: a page a privacy officer can read. */
export function accessMatrix(policies: Policies): string {
  return [
    '# Who may do what',
    '',
    'Made from the policies in `server/src/access/policies` by asking them: every role, every action, every situation.',
    'A change of a policy changes this page; read it in the change.',
    '',
    '## At a glance',
    'Whether a role opens the door at all.',
    '',
    ...glance(policies),
    '',
    '## Where, when and how',
    'Each role alone, given one ward. ✓ permitted · – refused · **E** refused, an emergency opens it · **F** refused until',
    'they show afresh that it is them · **N** refused until they have a second factor and have shown it.',
    '',
    ...SITUATIONS.map(({ name, words }, index) => `${index + 1}. **${name}**: ${words}`),
    '',
    ...ROLES.flatMap((role) => roleTable(policies, role)),
    '## The policies',
    ...[...policies.all.values()].map(({ id, effect, title }) => `- \`${id}\` (${effect}s): ${title}`),
    '',
  ].join('\n');
}

const OWN = 'own' as WardId;
const OTHER = 'other' as WardId;
const PATIENT = 'somebody' as PatientId;
const NOW = 1_000_000_000_000;

interface Situation {
  readonly name: string;
  readonly words: string;
  readonly resource: (who: Subject) => ResourceRef;
  readonly facts?: Partial<AccessFacts>;
  readonly subject?: Partial<Subject>;
  readonly purpose?: Question['context'];
}

const patientIn = (wardId: WardId) => (): ResourceRef => ({ kind: 'patient', patientId: PATIENT, wardId });

/** Situations that matter; each is one column. */
const SITUATIONS: readonly Situation[] = [
  { name: 'own', words: 'a patient of their ward', resource: patientIn(OWN) },
  { name: 'other', words: 'a patient of another ward', resource: patientIn(OTHER) },
  {
    name: 'proven',
    words: 'a patient of another ward, a second factor shown just now',
    resource: patientIn(OTHER),
    subject: { mfaAtMs: NOW },
  },
  {
    name: 'care',
    words: 'a patient of another ward who is in their care by the plan, now',
    resource: patientIn(OTHER),
    facts: { isInCareOf: () => true },
  },
  {
    name: 'emergency',
    words: 'a patient of another ward whose record they opened in an emergency',
    resource: patientIn(OTHER),
    facts: {
      emergencyOf: (userId, patientId) => ({ id: 'e', userId, patientId, beganAtMs: NOW - 1, endsAtMs: NOW + 1 }),
    },
  },
  {
    name: 'off',
    words: 'a patient of their ward, outside their shift by the plan',
    resource: patientIn(OWN),
    facts: { shiftOf: () => 'off' },
  },
  {
    name: 'research',
    words: 'a patient of their ward, for research',
    resource: patientIn(OWN),
    purpose: { purpose: 'research' },
  },
  {
    name: 'consented',
    words: 'a patient of their ward, for research, who consents to it',
    resource: patientIn(OWN),
    purpose: { purpose: 'research' },
    facts: { consentTo: () => ({ isOpen: true }) },
  },
  {
    name: 'no consent',
    words: 'a patient of their ward, without consent, where treatment needs it',
    resource: patientIn(OWN),
    facts: { consentTo: () => ({ isOpen: false }) },
  },
  {
    name: 'vip',
    words: 'a specially protected patient of their ward, in nobody’s care by a plan',
    resource: patientIn(OWN),
    facts: { isVip: () => true },
  },
  {
    name: 'vip care',
    words: 'a specially protected patient of their ward, in their care by the plan',
    resource: patientIn(OWN),
    facts: { isVip: () => true, isInCareOf: () => true },
  },
  {
    name: 'tenant',
    words: 'a patient of another organisation',
    resource: () => ({ kind: 'patient', patientId: PATIENT, wardId: OWN, tenantId: 'another' as TenantId }),
  },
  {
    name: 'tenant 2',
    words: 'what is one for all organisations, not being of the one that runs it',
    resource: () => ({ kind: 'installation' }),
    subject: { tenantId: 'another' as TenantId, wardIds: [] },
  },
  { name: 'ward', words: 'their ward', resource: () => ({ kind: 'ward', wardId: OWN }) },
  { name: 'ward 2', words: 'another ward', resource: () => ({ kind: 'ward', wardId: OTHER }) },
  { name: 'none', words: 'whoever lies in no ward', resource: () => ({ kind: 'ward', wardId: undefined }) },
  { name: 'house', words: 'all wards at once, given one', resource: () => ({ kind: 'house' }) },
  {
    name: 'all',
    words: 'all wards at once, given none in particular',
    resource: () => ({ kind: 'house' }),
    subject: { wardIds: [] },
  },
  {
    name: 'device',
    words: 'a device worn in their ward; for the role device, itself',
    resource: ({ userId, kind }) => ({
      kind: 'device',
      deviceId: (kind === 'device' ? userId : 'monitor') as string as DeviceId,
      wardId: OWN,
    }),
  },
  {
    name: 'stale',
    words: 'at the door, their second factor shown an hour ago',
    resource: () => ({ kind: 'door' }),
    subject: { mfaAtMs: NOW - 3_600_000 },
  },
  {
    name: 'token',
    words: 'at the door, by a token whose scopes are `alarm.*` only',
    resource: () => ({ kind: 'door' }),
    subject: { kind: 'api', scopes: ['alarm.*'] },
  },
  {
    name: 'self',
    words: 'the review of an emergency access they opened themselves',
    resource: ({ userId }) => ({ kind: 'emergency-access', id: 'e', by: userId }),
  },
];

function glance(policies: Policies): readonly string[] {
  const may = (role: Role, action: Action) => askIn(policies, role, action, DOOR).allowed;
  return [
    `| | ${ACCOUNT_ROLES.join(' | ')} |`,
    `|---|${ACCOUNT_ROLES.map(() => ':-:|').join('')}`,
    ...ACTION_NAMES.map(
      (action) =>
        `| \`${action}\`: ${ACTIONS[action].words}${ACTIONS[action].isOfPatients ? ' ⚕' : ''} | ${ACCOUNT_ROLES.map((role) => (may(role, action) ? '✓' : '')).join(' | ')} |`,
    ),
    '',
    '⚕ opens what is known of patients.',
    '',
    'No route asks for `deidentified.read` yet: no de-identified data is given out. An analyst reads the alarm rules, and',
    'what a change of them would have meant, without patients. None asks for `reading.send` either: devices are let in by',
    'their entry in the registry, whatever a policy says.',
  ];
}

const DOOR: Situation = { name: 'door', words: '', resource: () => ({ kind: 'door' }), subject: { wardIds: [] } };

function roleTable(policies: Policies, role: Role): readonly string[] {
  const rows = ACTION_NAMES.flatMap((action) => {
    // What the role opens nowhere is in the first table. A device has no door: it knows what it sends for.
    if (role !== 'device' && !askIn(policies, role, action, DOOR).allowed) return [];
    const cells = SITUATIONS.map((situation) =>
      canBeAsked(policies, role, action, situation) ? cellOf(askIn(policies, role, action, situation)) : ' ',
    );
    return cells.every((cell) => cell === '–' || cell === ' ') ? [] : [`| \`${action}\` | ${cells.join(' | ')} |`];
  });
  return [
    `### ${role}`,
    `| | ${SITUATIONS.map(({ name }) => name).join(' | ')} |`,
    `|---|${SITUATIONS.map(() => ':-:|').join('')}`,
    ...rows,
    '',
  ];
}

/** Whether the schema knows this action on such a thing: an empty cell where it makes no sense. */
function canBeAsked({ appliesTo }: Policies, role: Role, action: Action, { resource }: Situation): boolean {
  const type = TYPES[resource(roleAlone(role)).kind];
  return appliesTo.get(action)?.includes(type) === true;
}

const TYPES: Readonly<Record<ResourceRef['kind'], string>> = {
  door: 'Door',
  house: 'House',
  installation: 'Installation',
  ward: 'Ward',
  patient: 'Patient',
  device: 'Device',
  'emergency-access': 'EmergencyAccess',
};

const SIGNS: Readonly<Record<Obligation, string>> = {
  'break-glass': '**E**',
  'second-factor': '**F**',
  'own-second-factor': '**N**',
};

function cellOf({ allowed, obligation }: Decision): string {
  if (allowed) return '✓';
  return obligation === undefined ? '–' : SIGNS[obligation];
}

function askIn(
  policies: Policies,
  role: Role,
  action: Action,
  { resource, facts, subject, purpose }: Situation,
): Decision {
  const principal: Subject = {
    ...roleAlone(role),
    userId: `the ${role}` as UserId,
    wardIds: [OWN],
    tenantId: DEFAULT_TENANT,
    authenticatedAtMs: NOW,
    ...subject,
  };
  const access = createDecisions({ policies, facts: { ...NO_FACTS, ...facts }, now: () => NOW });
  return access.decide({ principal, action, resource: resource(principal), ...(purpose && { context: purpose }) });
}
