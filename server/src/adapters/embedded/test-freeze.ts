import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first process of the embedded PostgreSQL of a data folder. */
export function postmasterOf(dataFolder: string): number {
  return Number(readFileSync(join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** SIGSTOP to the postmaster and its children: it neither answers nor refuses, the worst way of being away. */
export function freezePostgres(dataFolder: string): { thaw(): void } {
  const postmaster = postmasterOf(dataFolder);
  const pids = [
    postmaster,
    ...readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && parentOf(pid) === postmaster),
  ];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return {
    thaw() {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    },
  };
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
