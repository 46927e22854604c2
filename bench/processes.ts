import { readdirSync, readFileSync } from 'node:fs';

/** What a process and its children used, from /proc (Linux). CPU in seconds, memory in MiB. */
export interface Usage {
  readonly cpuSeconds: number;
  /** Proportional set size: shared pages counted once over all who share them. */
  readonly pssMiB: number;
  readonly rssMiB: number;
}

/** Clock ticks a second, as `getconf CLK_TCK` says on every Linux we run on. */
const TICKS = 100;

export function usageOf(pid: number, options: { readonly withChildren: boolean }): Usage {
  const pids = options.withChildren ? family(pid) : [pid];
  return pids.map(usageOfOne).reduce((sum, one) => ({
    cpuSeconds: sum.cpuSeconds + one.cpuSeconds,
    pssMiB: sum.pssMiB + one.pssMiB,
    rssMiB: sum.rssMiB + one.rssMiB,
  }));
}

/** CPU seconds of a process and its children. To read their memory walks their page tables; this is felt by nobody. */
export function cpuSecondsOf(pid: number): number {
  return family(pid).reduce((sum, member) => sum + cpuSecondsOfOne(member), 0);
}

/** CPU seconds of this machine: spent by everybody on it, given by its host to others (steal, proc(5)), and in all. */
export function machineCpu(): { readonly busy: number; readonly stolen: number; readonly total: number } {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).slice(1, 9).map(Number);
  const total = fields.reduce((sum, field) => sum + field, 0) / TICKS;
  const stolen = (fields[7] ?? 0) / TICKS;
  return { total, stolen, busy: total - ((fields[3] ?? 0) + (fields[4] ?? 0)) / TICKS - stolen };
}

/** CPU of the postmaster and its children, alive or reaped (proc(5): utime, stime, cutime, cstime). */
export function postgresCpuMs(postmaster: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isOurs = Number(name) === postmaster || Number(fields[1]) === postmaster;
      if (isOurs) ticks += Number(fields[11]) + Number(fields[12]);
      if (Number(name) === postmaster) ticks += Number(fields[13]) + Number(fields[14]);
    } catch {
      // It ended meanwhile.
    }
  }
  return (ticks * 1_000) / TICKS;
}

function family(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const id = Number(entry);
    if (Number.isInteger(id)) parents.set(id, Number(statOf(id)?.[1] ?? 0));
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

function usageOfOne(pid: number): Usage {
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? '';
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  return {
    cpuSeconds: cpuSecondsOfOne(pid),
    pssMiB: kib('Pss') / 1024,
    rssMiB: kib('Rss') / 1024,
  };
}

function cpuSecondsOfOne(pid: number): number {
  const stat = statOf(pid);
  // Fields 14 and 15 of proc(5): user and system time.
  return (Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) / TICKS;
}

/** The fields after the command's name, which may itself hold spaces: [0] is the state, [1] the parent. */
function statOf(pid: number): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
