import { type Connection, Hold } from './connection.ts';
import type { MqttContext } from './context.ts';

/** Takes one reason for waiting away; with the last one the connection is read again, first what had arrived before. */
export function release(context: MqttContext, connection: Connection, why: number): void {
  if ((connection.held & why) === 0 || connection.leftAtMs !== undefined) return;
  connection.held &= ~why;
  if (connection.held !== 0) return;
  context.read(connection);
  if (connection.held === 0) connection.socket.resume();
}

/**
 * A device that talks too fast is slowed, not dropped: the usual reason is that it catches up after an outage, and what
 * it has to say is wanted. One clock tick serves all that wait.
 */
export function holdForRate(context: MqttContext, connection: Connection): void {
  connection.hold(Hold.rate);
  connection.wasSlowed = true;
  context.hooks.refused?.('slowed');
  context.heldForRate.add(connection);
  scheduleTick(context);
}

/** Fine enough that a slowed device moves evenly, coarse enough to cost nothing. */
const TICK_MS = 20;

function scheduleTick(context: MqttContext): void {
  if (context.isTicking) return;
  context.isTicking = true;
  setTimeout(tick, TICK_MS, context).unref();
}

function tick(context: MqttContext): void {
  context.isTicking = false;
  const nowMs = context.monotonicMs();
  for (const one of [...context.heldForRate]) {
    if (one.session?.device.bucket.has(nowMs) !== true) continue;
    context.heldForRate.delete(one);
    release(context, one, Hold.rate);
  }
  if (context.heldForRate.size > 0) scheduleTick(context);
}
