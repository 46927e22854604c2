import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderAnchor } from '../../adapters/anchors/folder-anchor.ts';
import { PostgresAuditStore } from '../../adapters/postgres/audit-store.ts';
import { openTestDatabase, type TestDatabase } from '../../adapters/postgres/test-database.ts';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { openTreeHeadKey } from '../../audit/tree-head-key.ts';
import { runHere } from './test-command-line.ts';

const SIZE = 600;
let database: TestDatabase;
let data: string;
let keyFile: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'healthsync-cli-audit-'));
  keyFile = join(data, 'public.pem');
  database = await openTestDatabase();
  const key = await openTreeHeadKey(join(data, 'audit', 'signing-key.pem'));
  writeFileSync(keyFile, String(key.publicKey.export({ type: 'spki', format: 'pem' })));
  const writer = await openAuditWriter({
    store: new PostgresAuditStore(database),
    key,
    now: Date.now,
    originIfNew: 'healthsync-audit/test',
  });
  for (let i = 0; i < SIZE; i += 100)
    await writer.append(Array.from({ length: 100 }, (_, j) => makeEntry({ correlationId: `c${i + j}` })));
});
afterAll(() => rm(data, { recursive: true, force: true }));

function healthsync(...given: readonly (string | Readonly<Record<string, string>>)[]) {
  const args = given.filter((one) => typeof one === 'string');
  const settings = Object.assign({}, ...given.filter((one) => typeof one !== 'string')) as Record<string, string>;
  const { address } = database;
  const url =
    'url' in address
      ? address.url
      : `postgresql://${address.user}@localhost/${address.database}?host=${encodeURIComponent(address.host)}&port=${address.port}`;
  return runHere(args, { env: { ...settings, DATABASE_URL: url, HEALTHSYNC_DATA: data } });
}

/** A DBA at work: the triggers are theirs to switch off. */
async function forge(sql: string): Promise<void> {
  await database.pool.query(
    `alter table audit_entry disable trigger user; ${sql}; alter table audit_entry enable trigger user`,
  );
}

describe('healthsync audit', () => {
  it('keeps the signing key to its owner', () => {
    expect(statSync(join(data, 'audit', 'signing-key.pem')).mode & 0o777).toBe(0o600);
  });

  it('finds a log that nobody touched intact, in the database and in a file', async () => {
    const file = join(data, 'export.jsonl');
    const [verified, exported] = await Promise.all([
      healthsync('audit', 'verify', '--json'),
      healthsync('audit', 'export', '--out', file),
    ]);
    expect(verified).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(verified.out)).toMatchObject({ isIntact: true, findings: [] });
    expect(exported.code).toBe(0);
    expect(await healthsync('audit', 'verify', '--file', file, '--key', keyFile)).toMatchObject({ code: 0 });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"correlationId":"c17"', '"correlationId":"c18"'));
    const flipped = await healthsync('audit', 'verify', '--file', file, '--key', keyFile, '--json');
    expect(flipped.code).toBe(1);
    expect(JSON.parse(flipped.out).isIntact).toBe(false);
  });

  it('compares with every place that keeps heads, and says where it could not', async () => {
    const none = await healthsync('audit', 'verify', '--anchors');
    expect([none.code, none.out]).toEqual([1, expect.stringContaining('Compared with 0 tree heads')]);
    const { head = '' } = await new PostgresAuditStore(database).open('-');
    await new FolderAnchor('data folder', join(data, 'audit', 'heads')).keep({ size: 1, signedAtMs: 1, note: head });
    const kept = await healthsync('audit', 'verify', '--anchors');
    expect([kept.code, kept.out]).toEqual([0, expect.stringContaining('Compared with 1 tree heads')]);
    const unread = await healthsync({ HEALTHSYNC_AUDIT_ANCHOR_FOLDER: keyFile }, 'audit', 'verify', '--anchors');
    expect([unread.code, unread.out]).toEqual([1, expect.stringContaining('NOT COMPARED with "folder"')]);
  });

  it('goes on from a backup that was restored on purpose, once somebody has said so, and not before', async () => {
    const { rows } = await database.pool.query('select size::int, last_recorded_at as at, head from audit_log');
    const [backup] = rows;
    expect((await healthsync('audit', 'prove', '1')).code).toBe(0);
    const heads = new FolderAnchor('data folder', join(data, 'audit', 'heads'));
    const lost = await new PostgresAuditStore(database).open('-');
    await heads.keep({ size: lost.size, signedAtMs: lost.lastRecordedAtMs, note: lost.head ?? '' });
    await forge(
      `delete from audit_entry where position >= ${backup.size}; delete from audit_head where size > ${backup.size}`,
    );
    await database.pool.query(
      'update audit_log set size = $1, last_recorded_at = to_timestamp($2::numeric / 1000), head = $3',
      [backup.size, backup.at, backup.head],
    );
    const accept = ['audit', 'accept-restore', '--reason', 'disk of rack 4 died'];
    const shown = await healthsync(...accept);
    const lostCount = lost.size - backup.size;
    expect([shown.code, shown.out]).toEqual([
      1,
      expect.stringMatching(`Lost: ${lostCount} entries .*\n.*\n.*\nNothing was`),
    ]);
    const unread = await healthsync({ HEALTHSYNC_AUDIT_ANCHOR_FOLDER: keyFile }, ...accept, '--yes');
    expect([unread.code, unread.err]).toEqual([1, expect.stringContaining('what is lost is not known')]);
    expect(await healthsync('audit', 'verify')).toMatchObject({ code: 1 });
    const accepted = await healthsync(...accept, '--yes');
    expect(accepted).toMatchObject({ code: 0, out: expect.stringContaining('Accepted.') });
    const verified = await healthsync('audit', 'verify');
    expect(verified.code).toBe(0);
    expect(verified.out).toMatch(/by shell:\S+ for "disk of rack 4 died" \(entry \d+\): \d+ entries of before/);
    expect(await heads.kept()).toContain(lost.head);
    const again = await healthsync(...accept, '--yes');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('there is nothing to accept')]);
  });

  it('finds the one entry whose byte was flipped in the database, proves others, and not that one', async () => {
    await forge(`update audit_entry set entry = replace(entry, '"P1"', '"P2"') where position = 300`);
    const [verified, one, other] = await Promise.all([
      healthsync('audit', 'verify', '--json'),
      healthsync('audit', 'prove', '300'),
      healthsync('audit', 'prove', '301'),
    ]);
    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.out).findings).toContainEqual(
      expect.objectContaining({ kind: 'changed', from: 300, to: 301 }),
    );
    expect([one.code, one.out]).toEqual([1, expect.stringContaining('NOT PROVED')]);
    expect([other.code, other.out]).toEqual([0, expect.stringContaining('Proved: entry 301')]);
    await forge(`update audit_entry set entry = replace(entry, '"P2"', '"P1"') where position = 300`);
    const found = await new PostgresAuditStore(database).search({ action: 'command.audit.verify', limit: 99 });
    const ends = found.filter(({ detail }) => detail?.['phase'] === 'end');
    // Whoever reads the log did not see the answer: of what was answered with bad news it says that it failed.
    expect(ends[0]).toMatchObject({ outcome: 'failed', detail: { findings: JSON.parse(verified.out).findingsTotal } });
    expect(ends.some(({ outcome }) => outcome === 'allowed')).toBe(true);
  });

  it('finds one that was dropped, and one that was given another’s name to hide it', async () => {
    await forge(`update audit_entry set actor = 'nobody', actor_id = null where position = 7`);
    await forge('delete from audit_entry where position = 300');
    const { code, out } = await healthsync('audit', 'verify');
    expect(code).toBe(1);
    expect(out).toMatch(/mislabelled +entry 7:/);
    expect(out).toMatch(/dropped +entry 300:/);
  });

  it('has every command as an entry, with who called it', async () => {
    const placed = await healthsync(
      'audit',
      'hold',
      'place',
      '--person',
      'ada',
      '--reason',
      'a claim',
      '--by',
      'legal',
      '--json',
    );
    const { id } = JSON.parse(placed.out);
    expect((await healthsync('audit', 'hold', 'release', id, '--by', 'legal')).code).toBe(0);
    const found = await new PostgresAuditStore(database).search({ action: 'command.audit.hold.*', limit: 9 });
    expect(found.map(({ action, detail: { phase } = {} }) => [action, phase])).toEqual([
      ['command.audit.hold.release', 'end'],
      ['command.audit.hold.release', 'begin'],
      ['command.audit.hold.place', 'end'],
      ['command.audit.hold.place', 'begin'],
    ]);
    expect(found[0]?.actor).toMatchObject({ kind: 'person', name: expect.stringMatching(/^shell:/) });
    expect(JSON.stringify(found)).not.toContain('a claim');
  });

  it('says what is asked wrongly', async () => {
    const asked = await Promise.all([
      healthsync('audit', 'prove', 'first'),
      healthsync('audit', 'hold', 'place', '--reason', 'x', '--by', 'y'),
      healthsync('audit', 'verify', '--file', keyFile, '--key', keyFile),
      healthsync('audit', 'prove', '999999'),
    ]);
    expect(asked.map(({ code }) => code)).toEqual([2, 2, 2, 1]);
  });
});
