import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type PolicyJson, policyToJson } from '@cedar-policy/cedar-wasm/nodejs';
import { ACTIONS, type Action, type Role } from '../domain/access.ts';
import {
  openPolicies,
  POLICY_FOLDER,
  type Policies,
  type Policy,
  policiesOf,
  readPolicyFiles,
  schemaIn,
  strictProblems,
} from './policy-files.ts';

/**
 * What a house adds to the policies of the program: a folder of Cedar files of its own, under the same schema. A forbid
 * narrows whatever it names. A permit widens what a role does; the walls of the program stand before it like before any
 * other (in Cedar one forbid is enough), and what is known of patients it opens only to roles that care for them.
 */
export interface HousePolicies {
  readonly policies: Policies;
  /** How many of them are the house's. */
  readonly count: number;
  /** SHA-256 (hex) of what its files say: by it a change is seen in the audit. */
  readonly digest: string;
}

/** Throws with every problem, each with its file: with a policy that does not hold together nothing may start. */
export function openHousePolicies(folder: string): HousePolicies {
  const read = readHouse(folder);
  if (read.problems.length > 0)
    throw new Error(`the policies in ${folder} do not hold together:\n${read.problems.join('\n')}`);
  const own = openPolicies();
  return {
    policies: policiesOf({ schema: schemaIn(POLICY_FOLDER), policies: [...own.all.values(), ...read.policies] }),
    count: read.policies.length,
    digest: createHash('sha256')
      .update(JSON.stringify(read.files.map(({ name, text }) => [name, text])))
      .digest('hex'),
  };
}

/** Everything that is wrong with a house's folder; none: it can be started with. */
export const lintHousePolicies = (folder: string): readonly string[] => readHouse(folder).problems;

/** Names of theirs begin with this: whoever reads the audit sees whose policy decided, and none of ours ever is taken. */
const PREFIX = 'house-';
/** Every question is asked of those that can speak to it; ours are thirty. */
const POLICIES_MAX = 200;
const FILES_MAX = 50;
const FILE_BYTES_MAX = 256 * 1024;

/** Who cares for patients, or shows and carries what is known of them. The others see nothing of patients, by promise. */
const NEAR_PATIENTS: readonly string[] = [
  'nurse',
  'charge-nurse',
  'physician',
  'kiosk',
  'integration',
] satisfies readonly Role[];

function readHouse(folder: string): Omit<ReturnType<typeof readPolicyFiles>, 'problems'> & {
  readonly problems: readonly string[];
} {
  const unfit = unfitFolder(folder);
  if (unfit.length > 0) return { files: [], policies: [], problems: unfit };
  const { files, policies, problems } = readPolicyFiles(folder);
  const named = policies.map((policy) => ({ ...policy, file: `${HOUSE}/${policy.file}` }));
  const fileOf = new Map(policies.map(({ id, file }) => [id, file]));
  const typed = strictProblems({ schema: schemaIn(POLICY_FOLDER), policies }).map((problem) => {
    const file = fileOf.get(problem.split(':', 1)[0] ?? '');
    return file === undefined ? problem : `${file}: ${problem}`;
  });
  const tooMany = policies.length > POLICIES_MAX ? [`more than ${POLICIES_MAX} policies`] : [];
  return { files, policies: named, problems: [...problems, ...tooMany, ...policies.flatMap(unfitPolicy), ...typed] };
}

/** Beside the name of a file: it is the house's. */
const HOUSE = 'house';

function unfitFolder(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.cedar'));
  } catch (error) {
    return [`the folder cannot be read: ${(error as NodeJS.ErrnoException).code}`];
  }
  // Meant to be there, and not found: with a slip in the path a house's walls would be missing, and nobody would know.
  if (names.length === 0) return ['there is no file in it whose name ends in .cedar'];
  if (names.length > FILES_MAX) return [`more than ${FILES_MAX} files`];
  return ['.', ...names].flatMap((name) => {
    const { mode, size } = statSync(join(folder, name));
    const what = name === '.' ? 'the folder' : name;
    return [
      // Whoever can write there decides who sees what.
      ...((mode & 0o002) === 0 ? [] : [`${what} can be written by everybody on this machine`]),
      ...(name === '.' || size <= FILE_BYTES_MAX ? [] : [`${what} is larger than ${FILE_BYTES_MAX / 1024} KiB`]),
    ];
  });
}

function unfitPolicy(policy: Policy): readonly string[] {
  const { id, file, effect } = policy;
  const problems: string[] = [];
  if (!id.startsWith(PREFIX) || id.length > ID_MAX)
    problems.push(`${file}: ${id}: the @id of a house’s policy begins with ${PREFIX}, up to ${ID_MAX} characters`);
  const said = [...(effect === 'permit' ? unfitPermit(policy) : []), ...unfitForDevices(policy)];
  return [...problems, ...said.map((problem) => `${file}: ${id}: ${problem}`)];
}

/** The audit holds names of policies up to this. */
const ID_MAX = 64;

function unfitPermit({ text, scope }: Policy): readonly string[] {
  if (scope.actions === 'all') return ['a permit names its actions'];
  const ofPatients = scope.actions.filter((action) => ACTIONS[action as Action]?.isOfPatients === true);
  if (ofPatients.length === 0) return [];
  const role = roleIn(text);
  if (role !== undefined && NEAR_PATIENTS.includes(role)) return [];
  return [
    `${ofPatients.join(', ')} can be permitted to \`principal in Role::"…"\` only, one of ${NEAR_PATIENTS.join(', ')}`,
  ];
}

/**
 * Nobody asks the policies when a device sends: its certificate's entry in the registry lets it in, or not (ADR 16). What
 * would stand in a folder and narrow nothing is believed to hold, and is refused.
 */
function unfitForDevices({ text, scope }: Policy): readonly string[] {
  const namesSending = scope.actions !== 'all' && scope.actions.includes('reading.send' satisfies Action);
  if (!namesSending && !isOfDevices(text)) return [];
  return [
    'no policy is asked when a device sends: devices are let in by their entry in the registry (revoke the certificate there)',
  ];
}

function isOfDevices(text: string): boolean {
  const principal = principalIn(text);
  if (principal?.op === 'is') return principal.entity_type === 'Device';
  const entity = entityIn(principal);
  return entity?.type === 'Device' || (entity?.type === 'Role' && entity.id === ('device' satisfies Role));
}

/** The role that the head of a policy names: its conditions cannot make it wider. */
function roleIn(text: string): string | undefined {
  const principal = principalIn(text);
  const entity = principal?.op === 'in' ? entityIn(principal) : undefined;
  return entity?.type === 'Role' ? entity.id : undefined;
}

function principalIn(text: string): PolicyJson['principal'] | undefined {
  const parsed = policyToJson(text);
  return parsed.type === 'failure' ? undefined : (parsed.json as PolicyJson).principal;
}

function entityIn(principal: PolicyJson['principal'] | undefined) {
  if (principal === undefined || !('entity' in principal)) return undefined;
  return '__entity' in principal.entity ? principal.entity.__entity : principal.entity;
}
