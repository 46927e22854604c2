import { setTimeout as sleep } from 'node:timers/promises';
import { connectDevice, type DeviceClient, type DeviceIdentity, type DeviceTarget } from './device-client.ts';
import { renewing } from './device-renewing.ts';

/**
 * A device as its maker should build it: every reading is kept until it is acknowledged, and sent again after a lost
 * connection. The server tells the copies apart by the reading's id.
 */
export interface FaithfulDevice {
  readonly deviceId: string;
  send(readingId: string, payload: Buffer): void;
  /** Not acknowledged yet. */
  pending(): number;
  /** Given up because the memory was full. */
  dropped(): number;
  stop(): Promise<void>;
}

/** About an hour at one reading a second; beyond it the oldest give way, as in a device's own memory. */
const PENDING_MAX = 4_000;
/** Readings under way at once: what the server allows a 3.1.1 client before it reads no further. */
const WINDOW = 64;
const RECONNECT_MS = { first: 500, max: 15_000 };

export interface DeviceOptions {
  /** In [0, 1). */
  readonly random: () => number;
  readonly onError?: (error: Error) => void;
  /** Longest pause before the next attempt to connect. */
  readonly reconnectMaxMs?: number;
  /** With it the device renews its certificate when it is told to, and connects with the new one. */
  readonly onRenewed?: (identity: DeviceIdentity) => void;
}

export function startDevice(target: DeviceTarget, first: DeviceIdentity, options: DeviceOptions): FaithfulDevice {
  let identity = first;
  const reconnectMaxMs = options.reconnectMaxMs ?? RECONNECT_MS.max;
  const firstMs = Math.min(RECONNECT_MS.first, reconnectMaxMs);
  let dropped = 0;
  const pending = new Map<string, Buffer>();
  let client: DeviceClient | undefined;
  const stopping = new AbortController();

  /** Readings that this connection has not carried yet, oldest first. */
  let unsent: string[] = [];
  const pump = (): void => {
    while (unsent.length > 0 && client !== undefined && client.inFlight() < WINDOW) {
      const readingId = unsent[0] as string;
      const payload = pending.get(readingId);
      const isSent = payload === undefined || client.publish(payload, () => acknowledged(readingId));
      if (!isSent) return;
      unsent.shift();
    }
  };
  const acknowledged = (readingId: string): void => {
    pending.delete(readingId);
    pump();
  };
  const stayConnected = async (): Promise<void> => {
    for (let waitMs = firstMs; !stopping.signal.aborted; waitMs = Math.min(reconnectMaxMs, waitMs * 2)) {
      const closed = Promise.withResolvers<void>();
      try {
        client = await connectDevice(target, identity, {
          onClose: closed.resolve,
          ...(options.onRenewed !== undefined && { onMessage: (topic, payload) => renewal.hear(topic, payload) }),
        });
        waitMs = firstMs;
        unsent = [...pending.keys()];
        pump();
        if (stopping.signal.aborted) client.close();
        await closed.promise;
      } catch (error) {
        options.onError?.(error instanceof Error ? error : new Error(String(error)));
      }
      client = undefined;
      // A ward's devices lose the network together: spread out their return.
      const pauseMs = waitMs * (0.5 + options.random());
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const renewal = renewing({
    deviceId: first.deviceId,
    ask: (request) => client?.requestCertificate(request),
    onRenewed(renewed) {
      identity = renewed;
      options.onRenewed?.(renewed);
      // What is not acknowledged yet goes with the next connection.
      client?.close();
    },
  });
  const running = stayConnected();

  return {
    deviceId: identity.deviceId,
    pending: () => pending.size,
    dropped: () => dropped,
    send(readingId, payload) {
      if (pending.size >= PENDING_MAX && pending.delete(pending.keys().next().value ?? '')) dropped++;
      pending.set(readingId, payload);
      // What is sent while nobody listens is carried by the next connection.
      if (client !== undefined) unsent.push(readingId);
      pump();
    },
    async stop() {
      stopping.abort();
      client?.close();
      await running;
    },
  };
}
