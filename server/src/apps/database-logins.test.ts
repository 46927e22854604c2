import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Which connections an adapter is built over is said where it is built. Over the program's own, which see every
 * organisation, only what no request leads to: each with why. A new one is added here, or built over the asking
 * organisation's (`tenants.asking`, `tenants.accounts`).
 */
const ANY_REQUEST = 'beyond any request';
const OF_ALL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'alarm-burden-worker.ts': { PostgresReadingArchive: 'reaches the database as whoever asked (`addressNow`)' },
  'all-in-one.ts': {
    PostgresAccounts: 'who works here: for telling, escalation and the demo',
    PostgresAlarmStore: 'the desk that rings; whoever acts was let to the alarm before, as their organisation',
    PostgresCheckpoints: ANY_REQUEST,
    PostgresOutbox: 'what is told',
    PostgresRegistry: 'what is held in memory, for devices and for all',
    PostgresRejectedReadings: 'what devices sent',
    PostgresRuleSets: 'the demo',
    PostgresVitalsHistory: 'what devices sent',
  },
  'audit-check-worker.ts': { PostgresAuditStore: 'verifies the one log' },
  'leak-scan-worker.ts': { PostgresStoredTexts: 'searches all of it' },
  'open-access.ts': {
    PostgresCareTeams: 'what decisions rest on, in memory',
    PostgresEmergencyAccesses: 'what runs, in memory, and what waits for its review',
  },
  'open-audit.ts': { PostgresAuditStore: 'writes the one log, proves what is in it' },
  'open-consent.ts': { PostgresConsents: 'what decisions rest on, in memory' },
  'open-demo.ts': {
    PostgresCareTeams: 'makes up a ward',
    PostgresContacts: 'makes up a ward',
    PostgresRotas: 'makes up a ward',
  },
  'open-devices.ts': {
    PostgresDeviceCertificates: 'of devices, and whether a key is another’s',
    PostgresDeviceEnrollments: 'what devices ask',
  },
  'open-escalation.ts': {
    PostgresCareTeams: 'whom the escalation tells',
    PostgresEscalationWatch: ANY_REQUEST,
    PostgresEscalations: 'what the escalation did',
    PostgresOutbox: 'the watchdog’s own',
    PostgresRotas: 'whom the escalation tells',
    PostgresWorkflowStore: 'the house’s engine',
  },
  'open-events.ts': {
    PostgresAlarmEvents: 'the courier',
    PostgresEventSubscriptions: 'the courier',
    PostgresOAuthClients: 'the courier: whether the service that set up a subscription may still see as much',
  },
  'open-keys.ts': { PostgresErasures: 'follows what was erased' },
  'open-retention.ts': { PostgresOldData: 'what is old' },
  'open-telling.ts': {
    PostgresAnswerTokens: 'answers come from outside',
    PostgresChannelPolicies: 'the installation’s',
    PostgresContacts: 'whom telling reaches',
    PostgresSystemAlarms: 'the desk that rings',
    PostgresTopicSubscriptions: 'whom telling reaches',
  },
  'open-tenants.ts': { PostgresTenants: 'makes the logins' },
  'open-watching.ts': {
    PostgresAuditStore: 'watches the one log',
    PostgresLeakScans: 'the installation’s',
    PostgresOwnRecords: 'what watching compares with, in memory',
    PostgresSecurityAlerts: 'what watching finds',
  },
  'open-web-push.ts': { PostgresPushSubscriptions: 'whom telling reaches' },
  'open-workflows.ts': { PostgresWorkflowStore: 'the house’s engine' },
};
/** For one command, by whoever has a shell where the data lies. */
const COMMANDS = ['open-data.ts', 'open-staff.ts'];

const FOLDER = import.meta.dirname;
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !/^test-|\.test\.ts$/.test(name));
const built = FILES.filter((name) => !COMMANDS.includes(name)).flatMap((file) =>
  [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/new (Postgres\w+)\(\s*([\w.]+)/g)].map(
    ([, adapter = '', over = '']) => ({ file, adapter, over }),
  ),
);
/** What such connections are called where they are used. */
const ASKING = /^((parts\.)?tenants\.)?(asking|accounts|people|signIn|askingAccounts)$/;

describe('an adapter over the program’s own connections', () => {
  it('is one that no request leads to, and it is said why', () => {
    const ofAll = built.filter(({ over }) => !ASKING.test(over));
    expect(ofAll.length).toBeGreaterThan(20);
    const found: Record<string, Set<string>> = {};
    for (const { file, adapter } of ofAll) {
      found[file] ??= new Set();
      found[file].add(adapter);
    }
    const named = (of: Readonly<Record<string, Iterable<string>>>) =>
      Object.entries(of)
        .flatMap(([file, adapters]) => [...adapters].map((adapter) => `${file} ${adapter}`))
        .sort();
    expect(named(found)).toEqual(
      named(Object.fromEntries(Object.entries(OF_ALL).map(([file, adapters]) => [file, Object.keys(adapters)]))),
    );
  });

  it('and each one over an organisation’s is asked there for what another has', () => {
    const asked = readFileSync(join(FOLDER, '../adapters/postgres/test-tenant-adapters.ts'), 'utf8');
    const ofOne = new Set(
      built.filter(({ over }) => /asking|accounts|people/i.test(over)).map(({ adapter }) => adapter),
    );
    expect(ofOne.size).toBeGreaterThan(20);
    expect([...ofOne].filter((adapter) => !asked.includes(`new ${adapter}(`))).toEqual([]);
  });
});
