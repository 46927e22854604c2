import { hostname } from 'node:os';
import { ownNames } from '../identity/server-certificate.ts';
import type { Settings } from './settings.ts';

/** Where people see the wall, if this installation has an address at all. */
export function wallUrlOf({ publicUrl, serverNames, httpsPort }: Settings): { readonly wallUrl?: string } {
  if (publicUrl !== undefined) return { wallUrl: new URL('/', publicUrl).href };
  return serverNames[0] === undefined ? {} : { wallUrl: `https://${serverNames[0]}:${httpsPort}/` };
}

/** Every name a browser may know this server by, beside those of its certificate. */
export function servedUnder({
  publicUrl,
  serverNames,
}: Pick<Settings, 'publicUrl' | 'serverNames'>): readonly string[] {
  return [...ownNames(hostname()), ...serverNames, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])];
}
