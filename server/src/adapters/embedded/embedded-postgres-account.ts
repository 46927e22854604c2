import { accessSync, chownSync, constants, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure } from '../../ports/failure.ts';

/** As whom PostgreSQL's programs run, and how to start them so. */
export interface PostgresAccount {
  /** The system account node runs as: the one that `peer` authentication will see. */
  readonly nodeUser: string;
  /** Absent: the same as node's. */
  readonly uid?: number;
  readonly gid?: number;
  /** The command line that runs `program` as this account. */
  command(program: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] };
  /** Hands a folder made by node to this account. */
  own(path: string): void;
}

/**
 * PostgreSQL refuses to run as root. As root it therefore runs as the unprivileged account `postgres`, or `nobody` where
 * there is none. That account can neither reach a data folder nor an installation that lies under a folder closed to
 * others, such as /root: `setpriv` (util-linux) then leaves it the single capability to search closed folders.
 */
export function choosePostgresAccount(pathsToReach: readonly string[]): PostgresAccount {
  const nodeUser = nameOfNodeUser();
  if (process.getuid?.() !== 0) {
    return { nodeUser, command: (file, args) => ({ file, args }), own: () => undefined };
  }
  const { uid, gid } = unprivilegedAccount();
  const capability = pathsToReach.every(isOpenToOthers) ? undefined : capabilityToSearch();
  const setpriv = findSetpriv();
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
  const keep = capability === undefined ? [] : keepOnly(capability);
  return {
    nodeUser,
    uid,
    gid,
    command: (program, args) => ({ file: setpriv, args: [...drop, ...keep, '--', program, ...args] }),
    own: (path) => chownSync(path, uid, gid),
  };
}

function nameOfNodeUser(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw unusable(`the user id ${process.getuid?.()} has no name on this system (no line in /etc/passwd)`, cause);
  }
}

function unprivilegedAccount(): { readonly uid: number; readonly gid: number } {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((account) => account[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw unusable('it refuses to run as root, and there is neither a user postgres nor a user nobody');
}

/** Whether everybody may pass through every folder on the way and enter the last one. */
function isOpenToOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Searching alone is enough; containers often withhold that capability and grant the wider one. capabilities(7). */
function capabilityToSearch(): string {
  const held = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  if ((held & (1n << 2n)) !== 0n) return 'dac_read_search';
  if ((held & (1n << 1n)) !== 0n) return 'dac_override';
  throw unusable('its data or its programs lie under a folder closed to others, and no capability opens it');
}

/** With the secure bit access(2) counts the capability too: PostgreSQL asks it whether its own programs can be run. */
function keepOnly(capability: string): readonly string[] {
  return ['--securebits=+no_setuid_fixup', `--inh-caps=-all,+${capability}`, `--ambient-caps=-all,+${capability}`];
}

function findSetpriv(): string {
  const folders = ['/usr/bin', '/bin', '/usr/sbin', '/usr/local/bin', '/run/current-system/sw/bin'];
  const found = folders.find((folder) => isExecutable(join(folder, 'setpriv')));
  if (found === undefined) throw unusable('it refuses to run as root, and setpriv (util-linux) is not installed');
  return join(found, 'setpriv');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function unusable(reason: string, cause?: unknown): Failure {
  return new Failure(
    'database-unavailable',
    `PostgreSQL cannot be started: ${reason}. Run HealthSync as an ordinary user, or set DATABASE_URL.`,
    { retryable: false, cause },
  );
}
