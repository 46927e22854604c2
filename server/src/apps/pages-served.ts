import { join } from 'node:path';
import { houseZone } from './house-zone.ts';
import type { Settings } from './settings.ts';
import { servedUnder } from './wall-url.ts';

/**
 * The pages of the web app as they are served: from where they were built to, with times as the house's clocks show,
 * under the names that are this installation's.
 */
export const pagesServed = (settings: Settings) => ({
  webFolder: join(import.meta.dirname, '../../../web/dist'),
  timeZone: houseZone(settings),
  names: servedUnder(settings),
});
