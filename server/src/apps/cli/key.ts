import type { Command } from 'commander';
import { rotateSigningKeys } from '../../identity/identity-keys.ts';
import { type Answer, addCommand, type CommandContext, withExistingData } from './command.ts';

/** `healthsync key …`: the keys that names, notes and secrets are sealed with, and those that sign. Never shows one. */
export function register(program: Command, context: CommandContext): void {
  const keys = program.command('key').description('the keys that seal, and those that sign; never shows one');
  addCommand<[], object>(
    keys,
    { usage: 'status', description: 'how many keys there are, and which one wraps them', run: showStatus },
    context,
  );
  addCommand<[], object>(
    keys,
    {
      usage: 'rotate',
      description: 'make a new key-encryption key and wrap every data key by it, while the server runs',
      run: rotate,
    },
    context,
  );
  addCommand<[], { readonly compromised?: boolean }>(
    keys,
    {
      usage: 'rotate-signing',
      description: 'make new keys that sign tokens; servers show them within a minute and sign with them within eleven',
      configure: (command) =>
        command.option(
          '--compromised',
          'the old ones are in wrong hands: they vouch for nothing any more, from now on',
        ),
      run: rotateSigning,
    },
    context,
  );
}

async function rotateSigning(
  context: CommandContext,
  { compromised = false }: { readonly compromised?: boolean },
): Promise<Answer> {
  return withExistingData(context, async ({ keys }) => {
    const { signing } = await rotateSigningKeys(keys.identityKeys, { now: context.now, isCompromised: compromised });
    const kids = signing.map(({ jwk }) => jwk.kid);
    const text = compromised
      ? 'The old keys are gone: what they signed verifies no more. Servers follow within a minute.'
      : `${kids.length} keys are shown, of which ${kids.length - 2} are older ones; the new ones sign in ten minutes.`;
    return { json: { kids }, text };
  });
}

async function showStatus(context: CommandContext): Promise<Answer> {
  const { keyManagement } = context.settings();
  return withExistingData(context, async ({ keys }) => {
    const { kept, erased } = await keys.store.counts();
    const kek = await keys.newestKek();
    return {
      json: { keyManagement, kek, keys: kept, erased },
      text: `${kept} data keys, wrapped by ${kek} (${keyManagement}); ${erased} erased.`,
    };
  });
}

async function rotate(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ keys }) => {
    const { kek, rewrapped } = await keys.subjects.rotate();
    return { json: { kek, rewrapped }, text: `${kek} wraps from now on; ${rewrapped} data keys were wrapped anew.` };
  });
}
