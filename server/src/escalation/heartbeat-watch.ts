import { repeat } from '../pacing/repeating.ts';
import type { EscalationWatch } from '../ports/escalations.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';

/**
 * Watches one who watches: rings when its heartbeat has not been heard for a while, or cannot be asked for. Runs on a
 * timer of its own, in whichever role is not the watched one's, and asks nothing of it.
 */
export function watchHeartbeat(parts: {
  readonly name: string;
  readonly watch: Pick<EscalationWatch, 'lastBeatMs'>;
  readonly systemAlarms: SystemAlarms;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
  readonly silentAfterMs?: number;
}): { readonly stop: () => Promise<void>; readonly state: () => 'up' | 'down' } {
  const { name, watch, systemAlarms, now, onError } = parts;
  const silentAfterMs = parts.silentAfterMs ?? SILENT_AFTER_MS;
  const id = `heartbeat.${name}`;
  // Silence is counted from here on: whoever has just been started has not beaten yet.
  let heardMs = now();
  let isSilent = false;

  async function look(): Promise<void> {
    try {
      heardMs = Math.max(heardMs, (await watch.lastBeatMs(name)) ?? 0);
    } finally {
      judge();
    }
  }

  function judge(): void {
    isSilent = now() - heardMs > silentAfterMs;
    if (!isSilent) systemAlarms.clear(id);
    else
      systemAlarms.raise({
        id,
        rule: 'watchdog.silent',
        priority: 'high',
        text: 'Nobody watches over escalation: its watchdog is silent. Alarms may go untold; keep an eye on the wall.',
      });
  }

  const { everyMs = EVERY_MS } = parts;
  const loop = repeat(look, { everyMs, asideMs: everyMs / 4, onError });
  return { stop: loop.stop, state: () => (isSilent ? 'down' : 'up') };
}

const EVERY_MS = 10_000;
/** Six of the watchdog's rounds: a slow database alone is no reason to ring. */
const SILENT_AFTER_MS = 60_000;
