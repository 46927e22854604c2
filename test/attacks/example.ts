/**
 * A value that a schema accepts, with everything optional in it: what is then spoiled in one place is refused for that
 * place alone, and what is not refused comes as far as it can.
 */
export function exampleOf(schema: unknown, name = ''): unknown {
  const one = (schema ?? {}) as Schema;
  if (one.const !== undefined) return one.const;
  if (one.enum !== undefined) return one.enum[0];
  const choice = (one.anyOf ?? one.oneOf)?.[0];
  if (choice !== undefined) return exampleOf(choice, name);
  switch (one.type) {
    case 'object':
      if (isAnyRule(one)) return LIMIT_RULE;
      return Object.fromEntries(
        Object.entries(one.properties ?? {}).map(([key, property]) => [key, exampleOf(property, key)]),
      );
    case 'array':
      return Array.from({ length: Math.max(1, one.minItems ?? 0) }, () => exampleOf(one.items, name));
    case 'integer':
    case 'number':
      return name === 'version' ? (one.minimum ?? 0) : numberOf(one);
    case 'boolean':
      // Not disabled, not off, not vouched for; an app is let in.
      return name === 'allow';
    case 'null':
      return null;
    case 'string':
      return textOf(one, name);
    default:
      return {};
  }
}

interface Schema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly unknown[];
  readonly oneOf?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly items?: unknown;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** Checked by its own kind's shape, which its schema does not say. */
const isAnyRule = ({ properties = {} }: Schema): boolean => Object.keys(properties).join() === 'id,kind';
const LIMIT_RULE = {
  id: 'heartRate.above.high',
  kind: 'limit',
  priority: 'high',
  vital: 'heartRate',
  comparison: 'above',
  limit: 150,
};

function numberOf({ minimum, exclusiveMinimum, maximum }: Schema): number {
  const least = minimum ?? (exclusiveMinimum === undefined ? 1 : exclusiveMinimum + 1);
  return Math.min(Math.max(least, 1), maximum ?? Number.MAX_SAFE_INTEGER);
}

/** By the name of the field, where its form alone does not say what it means. */
const BY_NAME: readonly (readonly [name: RegExp, text: string])[] = [
  [/^(from|at|date|givenAt|before)$/, '2026-01-01T00:00:00Z'],
  [/^(to|until)$/, new Date(Date.now() + 86_400_000).toISOString()],
  [/^(ward|wardId|wards|wardIds)$/, 'A'],
  [/^(patient|patientId)$/, 'PA'],
  [/^(user|userId|people)$/, 'u-target-A'],
  [/^zone$/, 'Europe/Berlin'],
  [/^vital$/, 'heartRate'],
  [/^op$/, 'replace'],
  [/^channel$/, 'smtp'],
  [/^endpoint$/, 'https://fcm.googleapis.com/fcm/send/example'],
  [/^scopes?$/, 'alarm.read'],
  [/^roles?$/, 'nurse'],
  [/^action$/, 'vitals.read'],
  [/^(redirectUris?|url)$/, 'https://app.example.org/back'],
  [/^address$/, 'nora@example.org'],
  [/^(password|code)$/, 'correct horse battery'],
];

/** Whatever fits a form that is asked for. */
const CANDIDATES = [
  'example',
  'PA',
  '08:00',
  '2026-01-01',
  '2026-01-01T00:00:00Z',
  '123456',
  '1',
  'alarms.high.A',
  'heartRate.above.high',
  '/example',
  '/api/example',
  'https://app.example.org/back',
  'org.healthsync.alarm.raised.v1',
  '0A',
  'PABCDEF',
  Array(32).fill('0A').join(':'),
  'a'.repeat(64),
  'A'.repeat(87),
  'A'.repeat(22),
  'A'.repeat(43),
  'for a reason that is long enough',
];

/** Texts that nothing of the above fits: a test asks for one to be added. */
export const UNFIT = new Set<string>();

function textOf({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema, name: string): string {
  const form = new RegExp(pattern ?? '', 'u');
  const named = BY_NAME.filter(([known]) => known.test(name)).map(([, text]) => text);
  const fits = (text: string) => form.test(text) && text.length >= minLength && text.length <= maxLength;
  const found = [...named, ...CANDIDATES].find(fits);
  if (found === undefined) UNFIT.add(`${name}: ${pattern}, ${minLength} to ${maxLength}`);
  return found ?? 'example';
}
