import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Value } from 'typebox/value';
import type { SettingOptions } from './setting-variable.ts';
import { identityNeeds } from './settings-identity.ts';
import { messagingNeeds } from './settings-messaging.ts';
import { outgoingNeeds } from './settings-outgoing.ts';
import { SettingsSchema, type SettingValues } from './settings-schema.ts';

/** The settings as the composition roots use them. Every field is explained in `settings-schema.ts`. */
export interface Settings
  extends Omit<SettingValues, 'smtpUrl' | 'smtpFrom' | 'notifyEmails' | 'webhookUrls' | 'webhookSecret'> {
  /** Absolute. */
  readonly dataFolder: string;
  readonly smtp?: { readonly url: string; readonly from: string; readonly to: readonly string[] };
  readonly webhooks: readonly { readonly url: string; readonly secret: string }[];
}

export type SettingsOutcome =
  | { readonly kind: 'ok'; readonly settings: Settings }
  | { readonly kind: 'invalid'; readonly errors: readonly SettingError[] };

export interface SettingError {
  readonly variable: string;
  /** What was expected; never the value, which may be a secret. */
  readonly problem: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The one place that reads the process's environment; `overrides` are command-line options under their variable's name. */
export function settingsOfProcess(overrides: Environment = {}): SettingsOutcome {
  return readSettings({ ...process.env, ...overrides }, (path) => readFileSync(path, 'utf8'));
}

/** Reads and checks every setting, and names every error at once: an operator corrects them in one go. */
export function readSettings(environment: Environment, readFile: (path: string) => string): SettingsOutcome {
  const errors: SettingError[] = unknownVariables(environment);
  const values: Record<string, unknown> = {};
  for (const [field, schema] of FIELDS) {
    const text = textOf(environment, schema, readFile, errors);
    const value = text === undefined ? schema.default : typedValue(text, schema);
    if (value === undefined) continue;
    if (Value.Check(schema, value)) values[field] = value;
    else errors.push({ variable: schema.variable, problem: `expected ${expectedOf(schema)}` });
  }
  const complete = values as unknown as SettingValues;
  errors.push(...incompleteGroups(complete, new Set(errors.map((error) => error.variable))));
  return errors.length > 0 ? { kind: 'invalid', errors } : { kind: 'ok', settings: settingsOf(complete) };
}

/** `docs/configuration.md`. */
export function configurationPage(): string {
  const rows = FIELDS.map(([, schema]) => {
    const names =
      schema.secret === true ? `\`${schema.variable}\`, or \`${schema.variable}_FILE\`` : `\`${schema.variable}\``;
    const shown = schema.default === undefined ? '' : `\`${defaultText(schema.default)}\``;
    return `| ${names} | ${expectedOf(schema)} | ${shown} | ${schema.description ?? ''} |`;
  });
  return `${PAGE_HEAD}| Variable | Expected | Default | What it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

const PAGE_HEAD = `# Configuration
HealthSync reads its settings from environment variables, checks them all before anything starts, and names every error at once. An unknown \`HEALTHSYNC_…\` variable is an error too, since it is most often a slip in a name. An empty value counts as not set. Where a variable may hold a secret, \`…_FILE\` names a file to read it from instead.

`;

interface FieldSchema extends SettingOptions {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

const FIELDS = Object.entries(SettingsSchema.properties) as unknown as readonly (readonly [string, FieldSchema])[];

function settingsOf(values: SettingValues): Settings {
  const { smtpUrl, smtpFrom, notifyEmails, webhookUrls, webhookSecret, ...rest } = values;
  const smtp =
    smtpUrl !== undefined && smtpFrom !== undefined ? { url: smtpUrl, from: smtpFrom, to: notifyEmails } : undefined;
  return {
    ...rest,
    dataFolder: resolve(values.dataFolder),
    ...(smtp === undefined ? {} : { smtp }),
    webhooks: webhookUrls.map((url) => ({ url, secret: webhookSecret ?? '' })),
  };
}

/** Settings that only make sense together. One already reported as wrong is not reported as missing besides. */
function incompleteGroups(values: SettingValues, reported: ReadonlySet<string>): readonly SettingError[] {
  const needs: readonly (readonly [given: boolean, by: string, has: boolean, variable: string])[] = [
    [values.smtpUrl !== undefined, 'HEALTHSYNC_SMTP_URL', values.smtpFrom !== undefined, 'HEALTHSYNC_SMTP_FROM'],
    [values.notifyEmails?.length > 0, 'HEALTHSYNC_NOTIFY_EMAIL', values.smtpUrl !== undefined, 'HEALTHSYNC_SMTP_URL'],
    [
      values.webhookUrls?.length > 0,
      'HEALTHSYNC_WEBHOOK_URLS',
      values.webhookSecret !== undefined,
      'HEALTHSYNC_WEBHOOK_SECRET',
    ],
    [
      values.httpsCertificate !== undefined,
      'HEALTHSYNC_HTTPS_CERT',
      values.httpsKey !== undefined,
      'HEALTHSYNC_HTTPS_KEY',
    ],
    [
      values.httpsKey !== undefined,
      'HEALTHSYNC_HTTPS_KEY',
      values.httpsCertificate !== undefined,
      'HEALTHSYNC_HTTPS_CERT',
    ],
    [
      values.auditWitnessUrl !== undefined,
      'HEALTHSYNC_AUDIT_WITNESS_URL',
      values.auditWitnessSecret !== undefined,
      'HEALTHSYNC_AUDIT_WITNESS_SECRET',
    ],
  ];
  return [...needs, ...identityNeeds(values), ...outgoingNeeds(values), ...messagingNeeds(values)]
    .filter(([given, , has, missing]) => given && !has && !reported.has(missing))
    .map(([, by, , missing]) => ({ variable: missing, problem: `is needed, because ${by} is set` }));
}

/** The text of a variable, from itself or, for a secret, from the file that `_FILE` names. */
function textOf(
  environment: Environment,
  schema: FieldSchema,
  readFile: (path: string) => string,
  errors: SettingError[],
): string | undefined {
  const direct = environment[schema.variable]?.trim();
  const path = schema.secret === true ? environment[`${schema.variable}_FILE`]?.trim() : undefined;
  if (path === undefined || path === '') return direct === '' ? undefined : direct;
  const variable = `${schema.variable}_FILE`;
  if (direct !== undefined && direct !== '') {
    errors.push({ variable, problem: `cannot be set together with ${schema.variable}` });
    return undefined;
  }
  try {
    return readFile(path).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    errors.push({ variable, problem: `expected a file that can be read (${code})` });
    return undefined;
  }
}

function typedValue(text: string, schema: FieldSchema): unknown {
  switch (schema.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'boolean':
      return BOOLEANS[text.toLowerCase()] ?? text;
    case 'array':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    default:
      return text;
  }
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  '1': true,
  true: true,
  yes: true,
  '0': false,
  false: false,
  no: false,
};

function expectedOf(schema: FieldSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'boolean') return '1 or 0';
  return `a whole number from ${schema.minimum} to ${schema.maximum}`;
}

function defaultText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.join(',');
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

/** Names of ours that nothing reads, with the nearest that exists. `HEALTHSYNC_TEST_…` belongs to the tests. */
function unknownVariables(environment: Environment): SettingError[] {
  const known = FIELDS.flatMap(([, { variable, secret }]) =>
    secret === true ? [variable, `${variable}_FILE`] : [variable],
  );
  return Object.keys(environment)
    .filter((name) => name.startsWith('HEALTHSYNC_') && !name.startsWith('HEALTHSYNC_TEST_') && !known.includes(name))
    .map((name) => ({ variable: name, problem: `is not a setting; the nearest is ${nearest(name, known)}` }));
}

function nearest(name: string, known: readonly string[]): string {
  return known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .reduce((best, next) => (next.distance < best.distance ? next : best)).candidate;
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
