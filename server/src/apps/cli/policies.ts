import type { Command } from 'commander';
import { type Answer, addCommand, type CommandContext, Misuse } from './command.ts';

/** `healthsync policies …`: who may what, and a house's own policies tried before a server starts with them. */
export function register(program: Command, context: CommandContext): void {
  const policies = program.command('policies').description('access policies: the program’s, and a house’s own');
  const folderOption = (command: Command) =>
    command.option('--folder <folder>', 'the house’s own policies (HEALTHSYNC_POLICIES)');
  addCommand<[], FolderOption>(
    policies,
    {
      usage: 'check',
      description: 'find everything that would keep a server from starting with a house’s own policies',
      configure: folderOption,
      run: check,
    },
    context,
  );
  addCommand<[], FolderOption>(
    policies,
    { usage: 'list', description: 'every policy, with the file it stands in', configure: folderOption, run: list },
    context,
  );
  addCommand<[], FolderOption>(
    policies,
    {
      usage: 'matrix',
      description: 'what every role may do in every situation, as Markdown, by all of them together',
      configure: folderOption,
      run: matrix,
    },
    context,
  );
}

interface FolderOption {
  readonly folder?: string;
}

async function check(context: CommandContext, options: FolderOption): Promise<Answer> {
  const folder = options.folder ?? context.settings().policiesFolder;
  if (folder === undefined) throw new Misuse('--folder', 'name the folder, here or in HEALTHSYNC_POLICIES');
  const { lintHousePolicies, openHousePolicies } = await import('../../access/house-policies.ts');
  const problems = lintHousePolicies(folder);
  if (problems.length > 0) return { json: { ok: false, problems }, text: problems.join('\n'), failed: true };
  const { count, digest } = openHousePolicies(folder);
  return {
    json: { ok: true, policies: count, digest },
    text: `${count} ${count === 1 ? 'policy holds' : 'policies hold'} together, sha256 ${digest}`,
  };
}

async function list(context: CommandContext, options: FolderOption): Promise<Answer> {
  const all = [...(await opened(context, options)).all.values()];
  const shown = all.map(({ id, file, effect, title }) => ({ id, file, effect, title }));
  const lines = shown.map(({ id, file, effect, title }) => `${effect.padEnd(6)} ${id}  (${file})\n       ${title}`);
  return { json: { policies: shown }, text: lines.join('\n') };
}

async function matrix(context: CommandContext, options: FolderOption): Promise<Answer> {
  const { accessMatrix } = await import('../../access/access-matrix.ts');
  const text = accessMatrix(await opened(context, options));
  return { json: { matrix: text }, text };
}

/** Loads Cedar: only for who asks. */
async function opened(context: CommandContext, { folder }: FolderOption) {
  const { openPoliciesOf } = await import('../open-policies.ts');
  return openPoliciesOf({ ...context.settings(), ...(folder !== undefined && { policiesFolder: folder }) }).policies;
}
