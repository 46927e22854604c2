import { describe, expect, it } from 'vitest';
import { configurationChange, configurationEntries } from './audit-configuration.ts';
import { readSettings } from './settings.ts';

const loaded = (variables: Readonly<Record<string, string>>) => {
  const outcome = readSettings(variables, () => '');
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome));
  return configurationEntries(outcome.settings, 0);
};

describe('settings changed between two starts', () => {
  it('are an entry with what they were and are, secrets by name only', () => {
    const before = loaded({ HEALTHSYNC_AUDIT_VERIFY_HOURS: '12' });
    const after = loaded({ HEALTHSYNC_AUDIT_RETENTION_DAYS: '3000' });
    const [change] = configurationChange(before, after);
    expect(change).toMatchObject({
      action: 'configuration.change',
      detail: {
        auditRetentionDays: '(as installed) → 3000',
        auditVerifyHours: '12 → (as installed)',
      },
    });
  });

  it('are none where nothing was changed, or nothing was before', () => {
    const same = loaded({});
    expect(configurationChange(same, loaded({}))).toEqual([]);
    expect(configurationChange([], same)).toEqual([]);
  });
});
