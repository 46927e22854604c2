import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** Watching over access, and searching for what has leaked. */
export const WATCHING_SETTINGS = {
  networkPlaces: Type.Array(
    Type.String({
      pattern: '^[0-9A-Fa-f:.]{2,45}/\\d{1,3}=[^@;]{1,64}(@-?\\d{1,2}(\\.\\d{1,8})?/-?\\d{1,3}(\\.\\d{1,8})?)?$',
    }),
    {
      ...variable('HEALTHSYNC_NETWORK_PLACES', 'networks with their places, separated by commas'),
      maxItems: 500,
      default: [],
      description:
        'Where networks are, for noticing one account at two places that are too far apart: `10.1.0.0/16=Vienna@48.21/16.37,10.9.0.0/16=VPN`. Latitude and longitude in degrees; without them a network may be anywhere. Nothing is looked up outside.',
    },
  ),
  leakScanAt: Type.String({
    ...variable('HEALTHSYNC_LEAK_SCAN_AT', 'a time of day such as 03:30, or off'),
    pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|off)$',
    default: '03:30',
    description:
      'When, every night, files and tables are searched for patients’ names and record numbers that are nowhere to be. In the zone of `HEALTHSYNC_TIME_ZONE`. `off`: only by `healthsync leak-scan` and from the page.',
  }),
  leakScanFolders: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    ...variable('HEALTHSYNC_LEAK_SCAN_FOLDERS', 'paths of folders, separated by commas'),
    maxItems: 50,
    default: [],
    description:
      'Folders that are searched besides the data folder: where the program’s log is written, objects, the lake, backups.',
  }),
  leakScanMegabytes: Type.Integer({
    ...variable('HEALTHSYNC_LEAK_SCAN_MB'),
    minimum: 1,
    maximum: 10_000_000,
    default: 20_000,
    description: 'How much of files is read in one search, the newest first. What was left out, the search says.',
  }),
};
