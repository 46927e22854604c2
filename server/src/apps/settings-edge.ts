import { Type } from 'typebox';
import { REQUESTS_PER_MINUTE } from '../serve/request-budget.ts';
import { variable } from './setting-variable.ts';

/** How much of the HTTP side one address and one account may take. */
export const EDGE_SETTINGS = {
  addressRequestsPerMinute: Type.Integer({
    ...variable('HEALTHSYNC_ADDRESS_REQUESTS_PER_MINUTE'),
    minimum: 60,
    maximum: 10_000_000,
    default: REQUESTS_PER_MINUTE.address,
    description:
      'Requests a minute that one address may send (of IPv6, one /64), devices’ readings apart: beyond them, 429. Raise it where a whole house comes through one gateway or proxy.',
  }),
  callerRequestsPerMinute: Type.Integer({
    ...variable('HEALTHSYNC_CALLER_REQUESTS_PER_MINUTE'),
    minimum: 60,
    maximum: 10_000_000,
    default: REQUESTS_PER_MINUTE.caller,
    description: 'Requests a minute that one account may send, over all its sessions and keys.',
  }),
};
