import { type Connection, Hold } from './connection.ts';
import type { MqttContext } from './context.ts';
import { release } from './hold.ts';
import { reportOfflineDue } from './leave.ts';
import { cut, disconnect, say } from './output.ts';
import { doorSeen } from './peer.ts';
import { Reason } from './reason.ts';

/**
 * Rounds over all connections instead of a timer for each: ten thousand timers cost more memory and more work than
 * looking at ten thousand numbers twice a second. A round goes in parts, a tick each, because all of it at once would
 * hold up every reading that comes meanwhile for a hundredth of a second.
 */
const SWEEP_MS = 500;
const TICK_MS = 25;
const FORGET_MS = 2_000;

export function startSweep(context: MqttContext): { stop(): void } {
  const sweeping = new Round(context.open, SWEEP_MS);
  const rechecking = new Round(context.open, context.bounds.recheckEveryMs);
  let tickedAtMs = context.monotonicMs();
  let sweptAtMs = tickedAtMs;
  let forgotAtMs = tickedAtMs;
  let stalledUntilMs = 0;
  const timer = setInterval(() => {
    const nowMs = context.monotonicMs();
    // After a stall of ours, what clients sent meanwhile has not been read yet: it must not count as their silence.
    const elapsedMs = nowMs - tickedAtMs;
    if (elapsedMs > SWEEP_MS) stalledUntilMs = nowMs + SWEEP_MS;
    tickedAtMs = nowMs;
    sweeping.goOn(elapsedMs, (connection) => sweepOne(context, connection, nowMs, nowMs < stalledUntilMs));
    rechecking.goOn(elapsedMs, (connection) => recheckOne(context, connection));
    if (nowMs - sweptAtMs < SWEEP_MS) return;
    sweptAtMs = nowMs;
    context.sessions.expire(nowMs);
    reportOfflineDue(context, nowMs);
    if (nowMs - forgotAtMs < FORGET_MS) return;
    forgotAtMs = nowMs;
    for (const [deviceId, paceMs] of context.connectPace) if (paceMs <= nowMs) context.connectPace.delete(deviceId);
  }, TICK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Goes round all that is in a set in so many ms, a part at a time; what comes in meanwhile is met in the next round. */
class Round<T> {
  readonly #all: ReadonlySet<T>;
  readonly #roundMs: number;
  #left: Iterator<T>;
  /** Of this round: whoever comes in stands behind them, and could go on for ever. */
  #toLook: number;

  constructor(all: ReadonlySet<T>, roundMs: number) {
    this.#all = all;
    this.#roundMs = roundMs;
    this.#left = all.values();
    this.#toLook = all.size;
  }

  goOn(elapsedMs: number, look: (one: T) => void): void {
    const part = Math.ceil(this.#all.size * Math.min(1, elapsedMs / this.#roundMs));
    for (let looked = 0; looked < part; looked++) {
      const { done, value } = this.#left.next();
      if (done === true || this.#toLook === 0) {
        this.#left = this.#all.values();
        this.#toLook = this.#all.size;
        return;
      }
      this.#toLook--;
      look(value);
    }
  }
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
  for (const connection of context.open) recheckOne(context, connection);
}

function recheckOne(context: MqttContext, connection: Connection): void {
  const { peer, session, leftAtMs } = connection;
  if (peer === undefined || session === undefined || leftAtMs !== undefined) return;
  if (peer.notAfterMs <= context.now()) {
    context.hooks.door?.({ ...doorSeen(connection), what: 'cut-off', reason: 'certificate-expired' });
    disconnect(context, connection, Reason.notAuthorized, 'certificate-expired');
  } else if (context.world.deviceAccess(peer.deviceId, peer.serial, peer.fingerprint) !== 'allowed') {
    context.hooks.door?.({ ...doorSeen(connection), what: 'cut-off', reason: 'access-withdrawn' });
    disconnect(context, connection, Reason.notAuthorized, 'access-withdrawn');
  }
}

/** Closes whatever is still open. */
export function cutAll(context: MqttContext): void {
  for (const connection of context.open) cut(context, connection, 'shutdown');
}
