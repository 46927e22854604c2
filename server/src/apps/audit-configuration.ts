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
export function configurationEntries(settings: Settings, atMs: number): readonly AuditEntry[] {
  const changed = Object.entries(SettingsSchema.properties).flatMap(([field, schema]) => {
    const { secret, default: installed } = schema as unknown as SettingOptions & { readonly default?: unknown };
    const value = (settings as unknown as Readonly<Record<string, unknown>>)[field];
    if (value === undefined || JSON.stringify(value) === JSON.stringify(installed)) return [];
    return [[field, secret === true ? '(set)' : String(value).slice(0, 200)] as const];
  });
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
