import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MappingProfile } from '@healthsync/contracts/mapping-profile';
import { Compile } from 'typebox/compile';
import { type Finding, lintProfile } from '../../domain/lint-profile.ts';
import { compileProfile, type MapMessage, type Mapped } from '../../domain/mapping-profile.ts';
import { Failure } from '../../ports/failure.ts';

/** The vendors' forms this installation understands, by the name a device is enrolled with. */
export interface MappingProfiles {
  readonly names: readonly string[];
  /** The vendor's message in our form; undefined where there is no such profile. */
  map(name: string, message: unknown): Mapped | undefined;
}

/** The profiles that come with HealthSync. */
export const BUILT_IN_PROFILES = join(import.meta.dirname, 'profiles');

/**
 * Reads every `*.json` of the folders; a later folder's profile replaces an earlier one's of the same name. A profile
 * with an error would store wrong values: nothing is loaded then, and the `Failure` names every error at once.
 */
export async function loadMappingProfiles(folders: readonly string[]): Promise<MappingProfiles> {
  const loaded = new Map<string, MapMessage>();
  const errors: string[] = [];
  for (const folder of folders) {
    for (const file of await filesIn(folder)) {
      const read = readProfile(await readFile(file, 'utf8'));
      if (read.kind === 'refused') errors.push(...read.errors.map((error) => `${file}: ${error}`));
      else loaded.set(read.profile.name, read.map);
    }
  }
  if (errors.length > 0)
    throw new Failure('configuration-invalid', `mapping profiles: ${errors.join('; ')}`, { retryable: false });
  return mappingProfiles(loaded);
}

export function mappingProfiles(loaded: ReadonlyMap<string, MapMessage>): MappingProfiles {
  return { names: [...loaded.keys()], map: (name, message) => loaded.get(name)?.(message) };
}

export type ReadProfile =
  | {
      readonly kind: 'read';
      readonly profile: MappingProfile;
      readonly map: MapMessage;
      readonly warnings: readonly Finding[];
    }
  | { readonly kind: 'refused'; readonly errors: readonly string[] };

/** One profile from its JSON text, checked by schema and by the linter. */
export function readProfile(text: string): ReadProfile {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (error) {
    return { kind: 'refused', errors: [`not JSON: ${(error as Error).message}`] };
  }
  if (!SCHEMA.Check(profile)) {
    const errors = SCHEMA.Errors(profile).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
    return { kind: 'refused', errors: [...new Set(errors)].slice(0, ERRORS_MAX) };
  }
  const findings = lintProfile(profile);
  const errors = findings.filter(({ level }) => level === 'error').map(({ at, message }) => `${at} ${message}`);
  const map = compileProfile(profile);
  if (errors.length > 0 || map === undefined) return { kind: 'refused', errors };
  return { kind: 'read', profile, map, warnings: findings };
}

const SCHEMA = Compile(MappingProfile);

/** A file that is no profile at all fails every branch of the schema; the first errors tell as much as all of them. */
const ERRORS_MAX = 20;

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    throw new Failure('configuration-invalid', `the folder of mapping profiles cannot be read: ${folder}`, {
      retryable: false,
      cause,
    });
  }
}
