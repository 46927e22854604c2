import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener } from '../../adapters/postgres/listener.ts';
import { openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { openTestWard } from '../../escalation/test-ward.ts';
import { runHere } from './test-command-line.ts';

let database: TestDatabase;
let listener: Listener;
let data: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'healthsync-cli-rota-'));
  database = await openTestDatabase();
  listener = new Listener(database);
  const ward = await openTestWard(database, listener);
  await ward.teams.endAssignment({ wardId: 'W3' as never, id: 'assigned-dora', by: 'test', atMs: 5 });
});
afterAll(async () => {
  await listener.close();
  await rm(data, { recursive: true, force: true });
});

function urlOf({ address }: TestDatabase): string {
  if ('url' in address) return address.url;
  const { user, database: name, host, port } = address;
  return `postgresql://${user}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`;
}

const healthsync = (...args: readonly string[]) =>
  runHere(args, {
    env: {
      DATABASE_URL: urlOf(database),
      HEALTHSYNC_DATA: data,
      HEALTHSYNC_SMTP_URL: 'smtps://mail.example',
      HEALTHSYNC_SMTP_FROM: 'wall@hospital.example',
      HEALTHSYNC_NOTIFY_EMAIL: 'ward@hospital.example',
    },
  });

describe('healthsync rota', () => {
  it('shows who is on call', async () => {
    const shown = await healthsync('rota', 'show', '--json');
    expect(shown).toMatchObject({ code: 0, err: '' });
    const { rotas } = JSON.parse(shown.out);
    expect(rotas).toHaveLength(1);
    expect(rotas[0].now).toMatchObject([
      { layer: 'first', by: 'rotation', user: 'otto' },
      { layer: 'second', by: 'rotation', user: 'olga' },
    ]);
    expect((await healthsync('rota', 'show')).out).toContain('otto');
  });

  it('finds what is missing, with exit code 1 where there is anything', async () => {
    expect(await healthsync('rota', 'gaps')).toMatchObject({ code: 0, out: 'Nothing is missing.\n' });
    await database.pool.query(`update contact set verified_at = null, verified_by = null where user_id = 'olga'`);
    const found = await healthsync('rota', 'gaps', '--json');
    expect(found.code).toBe(1);
    expect(JSON.parse(found.out).warnings).toMatchObject([{ rota: 'R1', code: 'unreachable', layer: 'second' }]);
    expect(await healthsync('rota', 'gaps', '--days', 'x')).toMatchObject({ code: 2 });
    expect(await healthsync('rota', 'gaps', '--rota', 'R9')).toMatchObject({ code: 2 });
  });
});

describe('healthsync escalation', () => {
  it('previews who would be told, and who is missing, without an address', async () => {
    const answer = await healthsync('escalation', 'preview', '--patient', 'P1', '--json');
    expect(answer).toMatchObject({ code: 0, err: '' });
    const { definition, steps } = JSON.parse(answer.out);
    expect(definition).toBe('escalation-high');
    expect(
      steps.map(({ step, recipients }: { step: string; recipients: { name?: string }[] }) => [
        step,
        recipients.map(({ name = 'house' }) => name).join(' '),
      ]),
    ).toEqual([
      ['nurse', 'nia'],
      ['charge-nurse-and-doctor', 'chris'],
      ['on-call', 'otto'],
      ['everyone', 'otto chris nia house'],
      ['everyone', 'otto chris nia house'],
    ]);
    expect(steps[1].warnings).toEqual(['the ward has no doctor now']);
    expect(answer.out).not.toContain('@');
    expect((await healthsync('escalation', 'preview', '--patient', 'P1', '--priority', 'low')).out).toContain(
      'not escalated',
    );
    expect(await healthsync('escalation', 'preview', '--patient', 'P9')).toMatchObject({ code: 2 });
  });
});
