import type { CloseCause, Connection, DeviceState } from './connection.ts';
import type { MqttContext, PresenceReason } from './context.ts';

/**
 * A connection is over, whoever ended it: the session is kept or ends, the will is honoured, presence told. Once per
 * connection.
 */
export function leave(context: MqttContext, connection: Connection, cause: CloseCause): void {
  if (connection.leftAtMs !== undefined) return;
  const nowMs = context.monotonicMs();
  connection.leftAtMs = nowMs;
  connection.closeCause = cause;
  connection.out.length = 0;
  connection.pending.clear();
  context.heldForRate.delete(connection);
  context.heldForMemory.delete(connection);
  const { session } = connection;
  if (session === undefined) return;
  context.connected -= 1;
  context.hooks.disconnect?.(cause);
  session.connection = undefined;
  if (cause === 'access-withdrawn' || session.expirySeconds === 0) context.sessions.end(session);
  else context.sessions.keepOffline(session, nowMs);
  if (!context.isDraining) reportGone(context, session.device, connection, cause);
  context.sessions.forgetIfIdle(session.device);
}

/**
 * The will (3.1.2.5) of a device can say only one thing, that the device is gone, so that is what publishing it means
 * here: its payload is never taken for a reading. It is not published after a DISCONNECT that does not ask for it.
 */
function reportGone(context: MqttContext, device: DeviceState, connection: Connection, cause: CloseCause): void {
  // Another client of the device is here, or just taking this one's place.
  if (cause === 'taken-over' || device.sessions.some((session) => session.connection !== undefined)) return;
  const delaySeconds = cause === 'disconnect' ? undefined : connection.willDelaySeconds;
  const reason: PresenceReason = delaySeconds === undefined ? cause : 'will';
  // v5 3.1.3.2.2: the will is due after its delay or when the session ends, whichever comes first.
  const sessionSeconds = cause === 'access-withdrawn' ? 0 : (connection.session?.expirySeconds ?? 0);
  const waitSeconds = Math.min(delaySeconds ?? 0, sessionSeconds, context.bounds.willDelayMaxSeconds);
  if (waitSeconds === 0) reportOffline(context, device, reason);
  else context.offlineDue.set(device.id, { atMs: context.monotonicMs() + waitSeconds * 1000, reason });
}

/** Reports the devices whose will's delay has passed. */
export function reportOfflineDue(context: MqttContext, nowMs: number): void {
  for (const [id, due] of context.offlineDue) {
    if (due.atMs > nowMs) continue;
    context.offlineDue.delete(id);
    const device = context.sessions.find(id);
    if (device !== undefined) reportOffline(context, device, due.reason);
  }
}

export function reportOnline(context: MqttContext, device: DeviceState): void {
  context.offlineDue.delete(device.id);
  if (device.isOnline) return;
  device.isOnline = true;
  tell(context, device, 'online', 'connect');
}

function reportOffline(context: MqttContext, device: DeviceState, reason: PresenceReason): void {
  if (!device.isOnline) return;
  device.isOnline = false;
  tell(context, device, 'offline', reason);
  context.sessions.forgetIfIdle(device);
}

function tell(context: MqttContext, device: DeviceState, state: 'online' | 'offline', reason: PresenceReason): void {
  try {
    context.world.presence(device.id, state, reason);
  } catch (error) {
    // Called in the middle of connecting and leaving, which must be finished whatever the listener does.
    context.log?.error('presence could not be told', { component: 'mqtt', deviceId: device.id, error });
  }
}
