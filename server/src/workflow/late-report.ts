/**
 * Says that executions went on late: after a restart, an outage of the database, or because there is too much to do. One
 * line for all of a stretch of time, since after a restart there may be thousands.
 */
export function createLateReport(parts: {
  readonly report: (late: { readonly count: number; readonly lagMs: number }) => void;
  /** Later than this is worth a line. */
  readonly fromMs?: number;
  readonly everyMs?: number;
}): { readonly advanced: (done: { readonly lateMs: number }) => void; readonly stop: () => void } {
  const { report, fromMs = LATE_FROM_MS, everyMs = REPORT_EVERY_MS } = parts;
  let count = 0;
  let lagMs = 0;

  function tell(): void {
    if (count === 0) return;
    report({ count, lagMs: Math.round(lagMs) });
    count = 0;
    lagMs = 0;
  }

  const timer = setInterval(tell, everyMs);
  timer.unref();
  return {
    advanced({ lateMs }) {
      if (lateMs < fromMs) return;
      count++;
      lagMs = Math.max(lagMs, lateMs);
    },
    stop() {
      clearInterval(timer);
      tell();
    },
  };
}

/** An escalation counts in minutes: whatever is two seconds late has been waiting for the engine. */
const LATE_FROM_MS = 2_000;
const REPORT_EVERY_MS = 10_000;
