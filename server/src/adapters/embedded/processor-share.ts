import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * A process of the embedded PostgreSQL gets a smaller share of the processor than devices do, where both want more than
 * there is. PostgreSQL makes each of its processes a session of its own, and Linux gives each session as much as any
 * other (sched(7), autogroup): ten connections that write alarms would leave one part in eleven to ten thousand devices.
 * What waits is history, which is in the log already. What nobody else wants, it gets all the same.
 */
export function yieldToDevices(pid: number): void {
  yieldAsSession(pid, TRIES);
  try {
    // Without sessions' shares (in containers, under systemd) the process's own number counts.
    setPriority(pid, NICE);
  } catch {
    // Another account, or it has ended: then shares stay equal.
  }
}

/** An ordinary account may change one session in a tenth of a second, of the whole machine: others are tried again. */
function yieldAsSession(pid: number, triesLeft: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(NICE), { flag: 'r+' });
  } catch (error) {
    // Anything but EAGAIN: another system, another account, a process that has ended.
    const isTooSoon = (error as NodeJS.ErrnoException).code === 'EAGAIN';
    if (isTooSoon && triesLeft > 0) setTimeout(yieldAsSession, AGAIN_MS, pid, triesLeft - 1).unref();
  }
}

/** A third of the usual share. */
const NICE = 5;
const AGAIN_MS = 130;
/** Ten connections that open at once come after one another. */
const TRIES = 40;
