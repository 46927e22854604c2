import { beforeAll, describe, expect, it } from 'vitest';
import { testHouseSeal } from '../../keys/test-identities.ts';
import { subjectKeysContract } from '../../ports/subject-keys.contract.ts';
import { postgresSecret } from './shared-secrets.ts';
import { postgresSubjectKeys } from './subject-keys.ts';
import { openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

subjectKeysContract('PostgreSQL', async () => {
  await database.pool.query('truncate subject_key');
  return { store: postgresSubjectKeys(database), again: () => postgresSubjectKeys(database), close: () => undefined };
});

describe('a secret that servers have in common', () => {
  it('is kept by whoever is first, replaced by whoever knew it, and in clear in no row', async () => {
    const seal = testHouseSeal();
    const [a, b] = [1, 2].map(() => postgresSecret(database, { name: 'identity', seal }));
    expect(await a?.read()).toBeUndefined();
    const first = await Promise.all([a?.replace(undefined, 'first'), b?.replace(undefined, 'second')]);
    expect(first.filter(Boolean)).toHaveLength(1);
    const kept = (await a?.read()) as string;
    expect(await b?.read()).toBe(kept);
    expect(await b?.replace('something else', 'third')).toBe(false);
    expect(await b?.replace(kept, 'third')).toBe(true);
    expect(await a?.read()).toBe('third');
    const { rows } = await database.pool.query('select * from shared_secret');
    expect(JSON.stringify(rows)).not.toMatch(/first|second|third/);
  });

  it('is not taken from whoever put it into the table by hand, nor from another name', async () => {
    const seal = testHouseSeal();
    const one = postgresSecret(database, { name: 'one', seal });
    await one.replace(undefined, 'text');
    await database.pool.query(`insert into shared_secret (name, sealed)
      select 'other', sealed from shared_secret where name = 'one'`);
    await expect(postgresSecret(database, { name: 'other', seal }).read()).rejects.toMatchObject({
      code: 'keys-refused',
    });
    await database.pool.query(`update shared_secret set sealed = 'mine' where name = 'one'`);
    await expect(one.read()).rejects.toMatchObject({ code: 'keys-refused' });
  });
});
