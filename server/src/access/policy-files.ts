import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatPolicies,
  getCedarVersion,
  type PolicyJson,
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  schemaToJson,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import { OBLIGATIONS, type Obligation, type PolicyInWords } from './decisions.ts';

/** The policies of the repository, read, checked strictly against their schema, and ready to be asked. */
export interface Policies {
  readonly all: ReadonlyMap<string, Policy>;
  /** By action: the types of what it can be asked about. */
  readonly appliesTo: ReadonlyMap<string, readonly string[]>;
  /**
   * Those whose scope lets them speak to this action on a thing of this type. The others could not be satisfied: leaving
   * them out changes no answer, and a decision costs by the policies that are looked at.
   */
  sliceFor(action: string, resourceType: string): PolicySlice;
}

export interface PolicySlice {
  /** Under this name Cedar holds it parsed, once per thread. */
  readonly setId: string;
  /** Whether one of them looks at how long ago a proof was given. */
  readonly looksAtProof: boolean;
}

export interface Policy extends PolicyInWords {
  /** Without its folder. */
  readonly file: string;
  /** What would lift it; only a forbid has one. */
  readonly obligation?: Obligation;
  readonly scope: { readonly actions: 'all' | readonly string[]; readonly resourceType?: string };
}

export const POLICY_FOLDER = join(import.meta.dirname, 'policies');

/**
 * Throws with every problem: with a policy that does not hold together nothing may start. The repository's own are read
 * once for each process.
 */
export function openPolicies(folder: string = POLICY_FOLDER): Policies {
  if (folder !== POLICY_FOLDER) return opened(folder);
  own ??= opened(folder);
  return own;
}

let own: Policies | undefined;

function opened(folder: string): Policies {
  const read = readPolicies(folder);
  // Two thirds of a second at every start, to find what was found to be well: what has changed since is judged anew.
  const isKnown = read.problems.length === 0 && stampIn(folder) === stampOf(read);
  const problems = isKnown ? [] : [...read.problems, ...strictProblems(read)];
  if (problems.length > 0) throw new Error(`the access policies do not hold together:\n${problems.join('\n')}`);
  return policiesOf(read);
}

/** Ready to be asked; that they hold together has been seen. */
export function policiesOf({ schema, policies }: Pick<Read, 'schema' | 'policies'>): Policies {
  let types: ReturnType<typeof appliesTo> | undefined;
  return {
    all: new Map(policies.map((policy) => [policy.id, policy])),
    get appliesTo() {
      types ??= appliesTo(schema);
      return types;
    },
    sliceFor: slicing(policies),
  };
}

/** Of which policies `npm run check` last said that they hold together. */
export const STAMP_FILE = 'checked.sha256';

/** SHA-256 (hex) of everything that a check looks at, and of who checks. */
export function policyStamp(folder: string = POLICY_FOLDER): string {
  return stampOf(readPolicies(folder));
}

function stampOf({ schema, files }: Read): string {
  const looked = [getCedarVersion(), schema, ...files.flatMap(({ name, text }) => [name, text])];
  return createHash('sha256').update(JSON.stringify(looked)).digest('hex');
}

function stampIn(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, STAMP_FILE), 'utf8').trim();
  } catch {
    return undefined; // never checked
  }
}

function slicing(policies: readonly Policy[]): Policies['sliceFor'] {
  const slices = new Map<string, PolicySlice>();
  return (action, resourceType) => {
    const key = `${action} ${resourceType}`;
    const known = slices.get(key);
    if (known !== undefined) return known;
    const speaking = policies.filter(
      ({ scope }) =>
        (scope.actions === 'all' || scope.actions.includes(action)) &&
        (scope.resourceType ?? resourceType) === resourceType,
    );
    const staticPolicies = textsOf(speaking);
    const setId = `policies-${createHash('sha256').update(JSON.stringify(staticPolicies)).digest('hex')}`;
    const parsed = preparsePolicySet(setId, { staticPolicies });
    if (parsed.type === 'failure') throw new Error(`Cedar: ${parsed.errors.map(({ message }) => message).join('; ')}`);
    const slice = { setId, looksAtProof: speaking.some(({ text }) => text.includes('proofAgeSeconds')) };
    slices.set(key, slice);
    return slice;
  };
}

/** Everything that is wrong with the policies in a folder, form included: for `npm run check`. */
export function lintPolicies(folder: string = POLICY_FOLDER): readonly string[] {
  const read = readPolicies(folder);
  const unformatted = read.files.flatMap(({ name, text }) => {
    const formatted = formatPolicies({ policyText: text, lineWidth: 110, indentWidth: 2 });
    if (formatted.type === 'failure') return [];
    return formatted.formatted_policy.trim() === text.trim() ? [] : [`${name}: not in Cedar’s own format`];
  });
  return [...read.problems, ...strictProblems(read), ...unformatted];
}

function appliesTo(schema: string): ReadonlyMap<string, readonly string[]> {
  const parsed = schemaToJson(schema);
  if (parsed.type === 'failure') return new Map();
  const { actions = {} } = parsed.json[''] ?? {};
  return new Map(Object.entries(actions).map(([name, action]) => [name, action.appliesTo?.resourceTypes ?? []]));
}

interface Read {
  readonly schema: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly policies: readonly Policy[];
  readonly problems: string[];
}

function readPolicies(folder: string): Read {
  return { schema: schemaIn(folder), ...readPolicyFiles(folder) };
}

export const schemaIn = (folder: string): string => readFileSync(join(folder, 'schema.cedarschema'), 'utf8');

/** The policies in a folder, each with its name and words; and what could not be read as one. */
export function readPolicyFiles(folder: string): Omit<Read, 'schema'> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.cedar'))
    .sort();
  const files = names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const problems: string[] = [];
  const policies: Policy[] = [];
  for (const { name, text } of files) {
    const parts = policySetTextToParts(text);
    if (parts.type === 'failure') {
      problems.push(...parts.errors.map(({ message }) => `${name}: ${message}`));
      continue;
    }
    if (parts.policy_templates.length > 0) problems.push(`${name}: templates are not used here`);
    for (const one of parts.policies) {
      const policy = toPolicy(name, one);
      if (typeof policy === 'string') problems.push(`${name}: ${policy}`);
      else if (policies.some(({ id }) => id === policy.id)) problems.push(`${name}: ${policy.id} stands twice`);
      else policies.push(policy);
    }
  }
  return { files, policies, problems };
}

function toPolicy(file: string, text: string): Policy | string {
  const parsed = policyToJson(text);
  if (parsed.type === 'failure') return parsed.errors.map(({ message }) => message).join('; ');
  const { effect, annotations = {}, action, resource } = parsed.json as PolicyJson;
  const { id, title, obligation } = annotations as Readonly<Record<string, string | undefined>>;
  if (id === undefined || title === undefined) return 'every policy says its @id and, for people, its @title';
  if (obligation !== undefined && (effect === 'permit' || !OBLIGATIONS.includes(obligation as Obligation)))
    return `${id}: @obligation is for a forbid, one of ${OBLIGATIONS.join(', ')}`;
  return {
    id,
    file,
    effect,
    title,
    text,
    scope: { actions: actionsOf(action), ...(resource.op === 'is' && { resourceType: resource.entity_type }) },
    ...(obligation !== undefined && { obligation: obligation as Obligation }),
  };
}

function actionsOf(constraint: PolicyJson['action']): Policy['scope']['actions'] {
  if (constraint.op === 'All') return 'all';
  const named =
    'entities' in constraint ? constraint.entities : 'entity' in constraint ? [constraint.entity] : undefined;
  // A form we do not write: looked at for everything.
  return named?.map((one) => ('__entity' in one ? one.__entity.id : one.id)) ?? 'all';
}

/** What Cedar's validator finds: unknown names and types, and conditions that can never hold. */
export function strictProblems({ schema, policies }: Pick<Read, 'schema' | 'policies'>): readonly string[] {
  const answer = validate({
    schema,
    policies: { staticPolicies: textsOf(policies) },
    validationSettings: { mode: 'strict' },
  });
  if (answer.type === 'failure') return answer.errors.map(({ message }) => `schema: ${message}`);
  return [...answer.validationErrors, ...answer.validationWarnings].map(
    ({ policyId, error }) => `${policyId}: ${error.message}${error.help === null ? '' : ` (${error.help})`}`,
  );
}

const textsOf = (policies: readonly Policy[]): Record<string, string> =>
  Object.fromEntries(policies.map(({ id, text }) => [id, text]));
