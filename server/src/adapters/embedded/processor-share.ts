import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * A process of the embedded PostgreSQL gets a smaller share of the processor than devices do, where both want more than
 * there is. PostgreSQL makes each of its processes a session of its own, and Linux gives each session as much as any
 * other (sched(7), autogroup): ten connections that write alarms would leave one part in eleven to ten thousand devices.
 * What waits is history, which is in the log already. What nobody else wants, it gets all the same.
 */
export function yieldToDevices(pid: number): void {
  // Each by itself: without autogroups (in containers, under systemd) the process's own number counts.
  for (const yields of [
    () => writeFileSync(`/proc/${pid}/autogroup`, String(NICE), { flag: 'r+' }),
    () => setPriority(pid, NICE),
  ]) {
    try {
      yields();
    } catch {
      // Another system, another account, a process that has ended: then shares stay equal.
    }
  }
}

/** A third of the usual share. */
const NICE = 5;
