import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { DeliveryOutcome } from '../../ports/notifier.ts';
import { OutgoingRefused } from './outgoing-address.ts';

/** One request to a vendor's or a receiver's endpoint, over TLS. */
export interface HttpsCall {
  readonly url: URL;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** The guard of `outgoing-address.ts`, where a person has set the address. */
  readonly lookup?: LookupFunction;
  /** For lists of things; of all else the first 16 KiB are read. */
  readonly answerMaxBytes?: number;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** At most `answerMaxBytes`: a hostile one could be endless. */
  readonly body: string;
}

/** Most answers we read are a tenth of this. */
const ANSWER_MAX_BYTES = 16_384;

/**
 * `node:https` follows no redirects: an address that moved has to be configured, not believed. A connection per
 * message: alarms are few, and an idle connection would be closed under us. Rejects when the exchange fails.
 */
export function callHttps(call: HttpsCall): Promise<HttpsAnswer> {
  const { url, method = 'POST', headers, body, signal, ca, lookup, answerMaxBytes = ANSWER_MAX_BYTES } = call;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        agent: false,
        minVersion: 'TLSv1.2',
        signal,
        headers: { 'user-agent': 'HealthSync', ...headers, ...lengthOf(body) },
        ...(ca === undefined ? {} : { ca }),
        ...(lookup === undefined ? {} : { lookup }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const done = () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).subarray(0, answerMaxBytes).toString(),
          });
          response.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.byteLength;
          if (size >= answerMaxBytes) done();
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function lengthOf(body: string | Uint8Array | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

/**
 * What a status means by HTTP alone (RFC 9110 §15): request timeout, too early, too many requests and the server's own
 * trouble pass by themselves; everything else, redirects too, needs a person.
 */
export function outcomeOfStatus({ status, headers }: Omit<HttpsAnswer, 'body'>, nowMs: number): DeliveryOutcome {
  const reason = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', receipt: reason };
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return { kind: 'permanent', reason };
  return transient(reason, headers['retry-after'], nowMs);
}

export function transient(reason: string, retryAfter: string | undefined, nowMs: number): DeliveryOutcome {
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  return { kind: 'transient', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** The exchange itself failed. Only codes are passed on: messages of errors name hosts. */
export function outcomeOfError(error: unknown): DeliveryOutcome {
  if (error instanceof OutgoingRefused) return { kind: 'permanent', reason: 'address not allowed' };
  const { code, name } = error as { readonly code?: unknown; readonly name?: string };
  return { kind: 'transient', reason: typeof code === 'string' ? code : (name ?? 'failed') };
}

/** An alarm cannot wait for ever because a receiver says so. */
const RETRY_AFTER_MAX_MS = 900_000;

/** RFC 9110 §10.2.3: seconds, or a date. */
function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : undefined;
}
