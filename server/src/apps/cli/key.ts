import type { Command } from 'commander';
import { type Answer, addCommand, type CommandContext, withExistingData } from './command.ts';

/** `healthsync key …`: the keys that names, notes and secrets are sealed with. Never shows one. */
export function register(program: Command, context: CommandContext): void {
  const keys = program.command('key').description('the keys that names and notes are sealed with; never shows one');
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
