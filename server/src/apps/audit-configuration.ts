import { createHash, randomUUID } from 'node:crypto';
import type { AuditEntry } from '../domain/audit-entry.ts';
import type { SettingOptions } from './setting-variable.ts';
import type { Settings } from './settings.ts';
import { SettingsSchema } from './settings-schema.ts';
import { VERSION } from './version.ts';

/** An entry holds thirty-two details; two are taken. */
const SETTINGS_AT_ONCE = 30;

/**
 * With what the program was started: every setting that is not as installed, and a digest of all of them by which a
 * change is seen. Of a secret only that it is there.
 */
export function configurationEntries(
  settings: Settings,
  atMs: number,
  besides: Readonly<Record<string, string>> = {},
): readonly AuditEntry[] {
  const set = Object.entries(SettingsSchema.properties).flatMap(([field, schema]) => {
    const { secret, default: installed } = schema as unknown as SettingOptions & { readonly default?: unknown };
    const value = (settings as unknown as Readonly<Record<string, unknown>>)[field];
    if (value === undefined || JSON.stringify(value) === JSON.stringify(installed)) return [];
    return [[field, secret === true ? '(set)' : String(value).slice(0, 200)] as const];
  });
  const changed = [...set, ...Object.entries(besides)];
  const digest = createHash('sha256').update(JSON.stringify(changed)).digest('hex').slice(0, 16);
  const correlationId = randomUUID();
  const entry = (some: typeof changed): AuditEntry => ({
    atMs,
    actor: { kind: 'system', name: 'healthsync' },
    action: 'configuration.load',
    resource: { kind: 'configuration' },
    outcome: 'allowed',
    correlationId,
    detail: { version: VERSION, digest, ...Object.fromEntries(some) },
  });
  const groups = Array.from({ length: Math.max(1, Math.ceil(changed.length / SETTINGS_AT_ONCE)) }, (_, i) =>
    changed.slice(i * SETTINGS_AT_ONCE, (i + 1) * SETTINGS_AT_ONCE),
  );
  return groups.map(entry);
}

/** What is set otherwise than at the last start, before and after; none where nothing is, or where there was none. */
export function configurationChange(
  earlier: readonly AuditEntry[],
  loaded: readonly AuditEntry[],
): readonly AuditEntry[] {
  const [newest] = earlier;
  const [now] = loaded;
  if (newest === undefined || now === undefined) return [];
  const before = detailsOf(earlier.filter(({ correlationId }) => correlationId === newest.correlationId));
  const after = detailsOf(loaded);
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => field !== 'digest' && before.get(field) !== after.get(field))
    .sort()
    .map((field) => [field, `${before.get(field) ?? AS_INSTALLED} → ${after.get(field) ?? AS_INSTALLED}`] as const);
  return Array.from({ length: Math.ceil(changes.length / SETTINGS_AT_ONCE) }, (_, i) => ({
    ...now,
    action: 'configuration.change',
    detail: Object.fromEntries(changes.slice(i * SETTINGS_AT_ONCE, (i + 1) * SETTINGS_AT_ONCE)),
  }));
}

const AS_INSTALLED = '(as installed)';

function detailsOf(entries: readonly AuditEntry[]): ReadonlyMap<string, string> {
  return new Map(
    entries.flatMap(({ detail = {} }) => Object.entries(detail).map(([field, value]) => [field, String(value)])),
  );
}
