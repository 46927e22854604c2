import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Connections } from './connection.ts';
import { failing } from './database-failure.ts';
import { endIfSilent } from './end-if-silent.ts';

/** What PostgreSQL announces: triggers on the registry's tables, and the alarm store. */
export type Channel =
  | 'healthsync_registry'
  | 'healthsync_alarm'
  | 'healthsync_workflow'
  | 'healthsync_system_alarm'
  | 'healthsync_access'
  | 'healthsync_consent';

export interface Subscriber {
  onNotice(payload: string): void;
  /** The connection was gone for a while, and notices with it: reread everything. */
  onGap(): void;
}

/**
 * PostgreSQL's LISTEN, on one connection of its own for all of this process. A connection that broke is replaced; one
 * that merely fell silent is found out by asking, because a revoked certificate must be known within seconds.
 */
export class Listener {
  readonly #config: pg.ClientConfig;
  readonly #subscribers = new Map<Channel, Set<Subscriber>>();
  readonly #aborted = new AbortController();
  #client: Asking | undefined;
  #begun: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor({ config }: Pick<Connections, 'config'>) {
    this.#config = config;
  }

  /**
   * Resolves once notices are being received; the answer stops them. Rejects with a `Failure` where the database cannot
   * be reached at the very first.
   */
  async listen(channel: Channel, subscriber: Subscriber): Promise<() => Promise<void>> {
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, subscribers.add(subscriber));
    const stop = async () => {
      subscribers.delete(subscriber);
    };
    try {
      this.#begun ??= this.#begin();
      await this.#begun;
    } catch (error) {
      this.#begun = undefined;
      await stop();
      throw error;
    }
    // A connection lost just now listens to every channel when it is back, and tells of the gap.
    await this.#client?.ask(`listen ${channel}`).catch(() => undefined);
    return stop;
  }

  async close(): Promise<void> {
    this.#aborted.abort();
    await this.#begun?.catch(() => undefined);
    await this.#running;
  }

  async #begin(): Promise<void> {
    const client = await failing(() => this.#connect());
    this.#running = this.#keepListening(client);
  }

  async #keepListening(first: Asking): Promise<void> {
    await this.#watchOver(first);
    for (let pauseMs = RECONNECT_PAUSE_MS.first; !this.#aborted.signal.aborted; ) {
      await sleep(pauseMs, undefined, { signal: this.#aborted.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, RECONNECT_PAUSE_MS.max);
      const client = await this.#connect().catch(() => undefined);
      if (client === undefined) continue;
      pauseMs = RECONNECT_PAUSE_MS.first;
      for (const subscriber of this.#all()) subscriber.onGap();
      await this.#watchOver(client);
    }
  }

  async #connect(): Promise<Asking> {
    const client = new Asking(this.#config, (channel, payload) => {
      for (const subscriber of this.#subscribers.get(channel) ?? []) subscriber.onNotice(payload);
    });
    try {
      await client.open();
      for (const channel of this.#subscribers.keys()) await client.ask(`listen ${channel}`);
    } catch (error) {
      await client.close();
      throw error;
    }
    this.#client = client;
    return client;
  }

  /** Returns when the connection is of no more use. */
  async #watchOver(client: Asking): Promise<void> {
    const signal = AbortSignal.any([client.ended, this.#aborted.signal]);
    while (!signal.aborted) {
      await sleep(PROBE_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted || !(await client.answers())) break;
    }
    await client.close();
  }

  #all(): readonly Subscriber[] {
    return [...this.#subscribers.values()].flatMap((subscribers) => [...subscribers]);
  }
}

const RECONNECT_PAUSE_MS = { first: 100, max: 2_000 };
/** Together below the 5 s in which a revocation must take effect. */
const PROBE_EVERY_MS = 2_000;
const PROBE_PATIENCE_MS = 2_000;
const CLOSE_PATIENCE_MS = 500;

/** One connection that is asked one thing at a time. */
class Asking {
  readonly #client: pg.Client;
  readonly #ended = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: pg.ClientConfig, onNotice: (channel: Channel, payload: string) => void) {
    this.#client = new pg.Client(config);
    this.#client.on('error', () => this.#ended.abort());
    this.#client.once('end', () => this.#ended.abort());
    this.#client.on('notification', ({ channel, payload }) => onNotice(channel as Channel, payload ?? ''));
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  async open(): Promise<void> {
    await this.#client.connect();
    endIfSilent(this.#client, PROBE_PATIENCE_MS);
  }

  async ask(sql: string): Promise<void> {
    const answer = this.#last.then(() => this.#client.query(sql));
    this.#last = answer.catch(() => undefined);
    await answer;
  }

  async answers(): Promise<boolean> {
    return await this.ask('select 1').then(
      () => true,
      () => false,
    );
  }

  /** Says goodbye, but does not wait for a peer that is gone. */
  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => undefined);
    await Promise.race([ended, sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
    this.#client.connection.stream.destroy();
  }
}
