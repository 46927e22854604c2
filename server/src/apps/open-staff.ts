import { PostgresCareTeams } from '../adapters/postgres/care-teams.ts';
import { PostgresRotas } from '../adapters/postgres/rotas.ts';
import { createStaffDirectory, type StaffDirectory } from '../escalation/staff-directory.ts';
import type { Rotas } from '../ports/rotas.ts';
import { reachableContacts } from '../vitals/5-notify/reachable-contacts.ts';
import { openChannels } from './open-channels.ts';
import type { OpenData } from './open-data.ts';
import type { Settings } from './settings.ts';

export interface OpenStaff {
  readonly rotas: Rotas;
  readonly directory: StaffDirectory;
}

/** Who is told, for a command: by the channels that the settings name, as the server would. */
export async function openStaff(settings: Settings, data: OpenData, now: () => number): Promise<OpenStaff> {
  const { database, contacts } = data;
  const channels = await openChannels({ settings, dataFolder: settings.dataFolder, database, contacts, now });
  channels.close();
  const rotas = new PostgresRotas(database);
  const types = new Map(channels.notifiers.map(({ channel, type }) => [channel, type]));
  const directory = createStaffDirectory({
    accounts: data.accounts,
    contacts: reachableContacts(contacts, channels.notifiers),
    teams: new PostgresCareTeams(database),
    rotas,
    channelTypes: () => types,
    house: () => (settings.smtp?.to ?? []).map((address) => ({ channel: 'smtp', address })),
    now,
  });
  return { rotas, directory };
}
