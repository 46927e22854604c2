import type { Settings } from './settings.ts';

/** Where people see the wall, if this installation has an address at all. */
export function wallUrlOf({ publicUrl, serverNames, httpsPort }: Settings): { readonly wallUrl?: string } {
  if (publicUrl !== undefined) return { wallUrl: new URL('/', publicUrl).href };
  return serverNames[0] === undefined ? {} : { wallUrl: `https://${serverNames[0]}:${httpsPort}/` };
}
