import { careTeamsContract } from '../../ports/care-teams.contract.ts';
import { rotasContract } from '../../ports/rotas.contract.ts';
import { PostgresCareTeams } from './care-teams.ts';
import { PostgresRotas } from './rotas.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase | undefined;
async function emptied(): Promise<TestDatabase> {
  database ??= await openTestDatabase();
  await emptyDatabase(database);
  return database;
}

rotasContract('PostgreSQL', async () => new PostgresRotas(await emptied()));
careTeamsContract('PostgreSQL', async () => new PostgresCareTeams(await emptied()));
