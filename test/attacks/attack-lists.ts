import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

/** Strings that break programs, collected by others: fuzzdb and the big list of naughty strings. */
export interface AttackList {
  /** Where it stands in the archive. */
  readonly name: string;
  readonly strings: readonly string[];
}

const ARCHIVE = resolve(import.meta.dirname, '../../../shared/data/bad-input.tar.gz');

/** Every list of the archive; undefined, and said so, where it is not at hand. */
export function readAttackLists(): readonly AttackList[] | undefined {
  if (!existsSync(ARCHIVE)) {
    console.warn('SKIPPED: attack lists, because ../shared/data/bad-input.tar.gz is not here');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-attacks-'));
  try {
    execFileSync('tar', ['-xzf', ARCHIVE, '-C', folder]);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => ({ name: relative(folder, path), strings: stringsOf(path) }))
      .filter(({ strings }) => strings.length > 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A list has one string a line; pages about the lists are none, and a picture with something in it is one string. */
function stringsOf(path: string): readonly string[] {
  const bytes = readFileSync(path);
  if (path.endsWith('blns.json')) return unique(JSON.parse(bytes.toString()) as string[]);
  if (/\.(txt|xxe)$/.test(path)) return unique(bytes.toString().split(/\r?\n/));
  return /\.(gif|jpg|swf)$/.test(path) ? [bytes.subarray(0, 2_000).toString('latin1')] : [];
}

const unique = (strings: readonly string[]): readonly string[] =>
  [...new Set(strings.map((text) => text.toWellFormed()))].filter((text) => text !== '');
