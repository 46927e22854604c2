import { setTimeout as sleep } from 'node:timers/promises';
import { Hold } from './connection.ts';
import type { MqttContext } from './context.ts';
import { cut, disconnect, markDirty } from './output.ts';
import { Reason } from './reason.ts';
import { cutAll } from './sweep.ts';

/**
 * Leaves no reading in doubt: nothing more is read, what is with the log is acknowledged, then every client is told to
 * go (v5 0x8B), and gets a moment to do so. What had arrived unread is not acknowledged, so its device sends it again.
 */
export async function drain(context: MqttContext): Promise<void> {
  context.isDraining = true;
  for (const connection of context.open) {
    if (connection.leftAtMs !== undefined) continue; // it has been told; only its end is waited for
    if (connection.session === undefined) {
      cut(context, connection, 'shutdown');
      continue;
    }
    connection.hold(Hold.leaving);
    markDirty(context, connection); // the flush says goodbye as soon as nothing is with the log
  }
  await until(() => context.connected === 0, context.bounds.drainMs);
  for (const connection of context.open) disconnect(context, connection, Reason.shuttingDown, 'shutdown');
  await until(() => context.open.size === 0, context.bounds.lingerMs);
  cutAll(context);
}

const POLL_MS = 10;

async function until(isDone: () => boolean, mostMs: number): Promise<void> {
  for (let waitedMs = 0; !isDone() && waitedMs < mostMs; waitedMs += POLL_MS) await sleep(POLL_MS);
}
