import { join } from 'node:path';
import { houseZone } from './house-zone.ts';
import type { Settings } from './settings.ts';

/** The pages of the web app as they are served: from where they were built to, with times as the house's clocks show. */
export const pagesServed = (settings: Pick<Settings, 'timeZone'>) => ({
  webFolder: join(import.meta.dirname, '../../../web/dist'),
  timeZone: houseZone(settings),
});
