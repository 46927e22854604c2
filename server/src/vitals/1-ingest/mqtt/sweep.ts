import { type Connection, Hold } from './connection.ts';
import type { MqttContext } from './context.ts';
import { release } from './hold.ts';
import { reportOfflineDue } from './leave.ts';
import { cut, disconnect, say } from './output.ts';
import { doorSeen } from './peer.ts';
import { Reason } from './reason.ts';

/**
 * One pass over all connections instead of a timer for each: ten thousand timers cost more memory and more work than
 * looking at ten thousand numbers twice a second.
 */
export const SWEEP_MS = 500;

export function startSweep(context: MqttContext): { stop(): void } {
  let sweptAtMs = context.monotonicMs();
  let checkedAtMs = sweptAtMs;
  const timer = setInterval(() => {
    const nowMs = context.monotonicMs();
    // After a stall of ours, what clients sent meanwhile has not been read yet: it must not count as their silence.
    const wasStalled = nowMs - sweptAtMs > 2 * SWEEP_MS;
    sweptAtMs = nowMs;
    for (const connection of context.open) sweepOne(context, connection, nowMs, wasStalled);
    context.sessions.expire(nowMs);
    reportOfflineDue(context, nowMs);
    if (nowMs - checkedAtMs >= context.bounds.recheckEveryMs) {
      checkedAtMs = nowMs;
      recheck(context);
      for (const [deviceId, paceMs] of context.connectPace) if (paceMs <= nowMs) context.connectPace.delete(deviceId);
    }
  }, SWEEP_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function sweepOne(context: MqttContext, connection: Connection, nowMs: number, wasStalled: boolean): void {
  const { bounds } = context;
  const { leftAtMs, silenceMaxMs } = connection;
  if (leftAtMs !== undefined) {
    if (nowMs - leftAtMs >= bounds.lingerMs) connection.socket.destroy();
  } else if (connection.session === undefined) {
    if (nowMs - connection.openedAtMs >= bounds.connectTimeoutMs) say(context, connection, 'not-connected');
    else if (nowMs >= connection.connectAtMs) release(context, connection, Hold.rate);
  } else if (nowMs >= connection.leaveAtMs) {
    disconnect(context, connection, Reason.serverBusy, 'unavailable', 'nothing can be stored now: send it again');
  } else if (silenceMaxMs > 0 && connection.held === 0 && !wasStalled) {
    // MQTT-3.1.2-22 (5), -24 (3.1.1). While we do not read, it is not the client that is silent.
    if (nowMs - connection.lastPacketAtMs > silenceMaxMs) {
      disconnect(context, connection, Reason.keepAliveTimeout, 'keep-alive');
    }
  }
}

/** Asks again, for everyone connected, whether they may be. */
export function recheck(context: MqttContext): void {
  const nowMs = context.now();
  for (const connection of context.open) {
    const { peer, session, leftAtMs } = connection;
    if (peer === undefined || session === undefined || leftAtMs !== undefined) continue;
    if (peer.notAfterMs <= nowMs) {
      context.hooks.door?.({ ...doorSeen(connection), what: 'cut-off', reason: 'certificate-expired' });
      disconnect(context, connection, Reason.notAuthorized, 'certificate-expired');
    } else if (context.world.deviceAccess(peer.deviceId, peer.serial, peer.fingerprint) !== 'allowed') {
      context.hooks.door?.({ ...doorSeen(connection), what: 'cut-off', reason: 'access-withdrawn' });
      disconnect(context, connection, Reason.notAuthorized, 'access-withdrawn');
    }
  }
}

/** Closes whatever is still open. */
export function cutAll(context: MqttContext): void {
  for (const connection of context.open) cut(context, connection, 'shutdown');
}
