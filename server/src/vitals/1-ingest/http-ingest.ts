import { IngestResponse, type IngestResult, WireReading } from '@healthsync/contracts/reading';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { DeviceId } from '../../domain/ids.ts';
import type { IngestOutcome } from '../../domain/problem.ts';
import { sendProblem } from '../../serve/problem.ts';
import type { Admission } from './admission.ts';
import { DeviceRate, workOf } from './device-rate.ts';
import { parseUnambiguousJson } from './unambiguous-json.ts';

/**
 * `POST /ingest/readings`: one reading or an array of them, for devices that speak HTTPS. 202 says for each reading, in
 * order, what became of it. If any could not be stored the whole answer is 503: the device sends all of it again, and
 * what was stored the first time is then a duplicate.
 */
export function registerIngest(app: FastifyInstance, options: HttpIngestOptions): void {
  // A context of its own: elsewhere bodies are parsed and checked by schema, here they are the admission's to judge.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const bounds = { ...defaultHttpIngestBounds, ...options.bounds };
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: bounds.bodyBytesMax },
      (_, body, done) => done(null, body),
    );
    scope.route({ ...ROUTE, bodyLimit: bounds.bodyBytesMax, ...handlers(options, bounds) });
  });
}

export interface HttpIngestOptions {
  readonly admission: Pick<Admission, 'admitValue'>;
  /** By client certificate or device token. */
  readonly authenticateDevice: (request: FastifyRequest) => DeviceId | undefined;
  readonly now: () => number;
  readonly bounds?: Partial<HttpIngestBounds>;
}

export interface HttpIngestBounds {
  readonly bodyBytesMax: number;
  readonly readingsMax: number;
  readonly readingsPerSecond: number;
  readonly readingsBurst: number;
  readonly requestsMax: number;
}

export const defaultHttpIngestBounds: HttpIngestBounds = {
  /** A thousand readings in our form are 300 KiB. */
  bodyBytesMax: 1024 * 1024,
  /** A quarter of an hour of one reading a second: enough to catch up in a few requests. */
  readingsMax: 1_000,
  /** As over MQTT: a device catches up an hour in under a minute. */
  readingsPerSecond: 100,
  readingsBurst: 2_000,
  /** Bodies held at once, all devices together: at most 256 MiB, in practice kilobytes each. */
  requestsMax: 256,
};

const ROUTE = {
  method: 'POST',
  url: '/ingest/readings',
  config: { device: true },
  // Describes; `parseReading` decides, because it names every problem and refuses one entry without the others.
  validatorCompiler: () => () => true,
  serializerCompiler: () => JSON.stringify,
  schema: {
    summary: 'Send one reading or an array of them',
    tags: ['ingest'],
    body: Type.Union([WireReading, Type.Array(WireReading)]),
    response: { 202: IngestResponse },
  },
} as const;

function handlers({ admission, authenticateDevice, now }: HttpIngestOptions, bounds: HttpIngestBounds) {
  const rate = new DeviceRate({ perSecond: bounds.readingsPerSecond, burst: bounds.readingsBurst });
  const devices = new WeakMap<FastifyRequest, DeviceId>();
  let requests = 0;

  /** Before the body is read: a stranger's body costs nothing. */
  async function onRequest(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const deviceId = authenticateDevice(request);
    if (deviceId === undefined) {
      reply.header('www-authenticate', 'Bearer');
      const detail = 'Send a device certificate or a device token that is valid now.';
      return sendProblem(reply, { status: 401, code: 'device-not-known', detail });
    }
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      const detail = 'Send the body as it is, not compressed.'; // RFC 9110 15.5.16
      return sendProblem(reply, { status: 415, code: 'unsupported-encoding', detail });
    }
    if (requests >= bounds.requestsMax) return busy(reply, 1_000);
    requests++;
    reply.raw.once('close', () => {
      requests--;
    });
    devices.set(request, deviceId);
    return undefined;
  }

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const deviceId = devices.get(request) as DeviceId;
    const receivedAtMs = now();
    const body = parseBody(request.body);
    if (body === undefined)
      return sendProblem(reply, {
        status: 400,
        code: 'malformed-json',
        detail: 'The body is not JSON in UTF-8, or names something twice.',
      });
    const values: readonly unknown[] = Array.isArray(body.value) ? body.value : [body.value];
    if (values.length > bounds.readingsMax) {
      const detail = `At most ${bounds.readingsMax} readings in one request.`;
      return sendProblem(reply, { status: 413, code: 'too-many-readings', detail });
    }
    // However few readings: a body is also as much work as its bytes.
    const work = Math.max(values.length, workOf((request.body as Buffer).byteLength));
    const retryAfterMs = rate.take(deviceId, work, receivedAtMs);
    if (retryAfterMs > 0) {
      const detail = `At most ${bounds.readingsPerSecond} readings a second from one device.`;
      return sendProblem(reply, { status: 429, code: 'too-fast', detail, retryAfterMs });
    }

    const arrival = { deviceId, transport: 'https', receivedAtMs } as const;
    const outcomes = await Promise.all(values.map((value) => admission.admitValue({ ...arrival, value })));
    const unavailable = outcomes.filter((outcome) => outcome.kind === 'unavailable');
    if (unavailable.length > 0) return busy(reply, Math.max(...unavailable.map(({ retryAfterMs }) => retryAfterMs)));
    return reply.code(202).send({ results: outcomes.map(resultOf) } satisfies IngestResponse);
  }

  return { onRequest, handler };
}

/** Strict: a byte that is not UTF-8 must not silently become U+FFFD inside an id. */
function parseBody(body: unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parseUnambiguousJson(STRICT_UTF8.decode(body as Buffer)) };
  } catch {
    return undefined;
  }
}
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function resultOf(outcome: IngestOutcome): IngestResult {
  switch (outcome.kind) {
    case 'accepted':
    case 'duplicate':
      return { id: outcome.readingId, outcome: outcome.kind };
    case 'rejected':
      return {
        ...(outcome.readingId === undefined ? {} : { id: outcome.readingId }),
        outcome: 'rejected',
        errors: [...outcome.problems],
        ...(outcome.kept ? { kept: true } : {}),
      };
    case 'unavailable':
      throw new Error('an unavailable reading makes the whole answer 503');
    default:
      return outcome satisfies never;
  }
}

function busy(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  const detail = 'Not everything could be stored: send all of it again.';
  return sendProblem(reply, { status: 503, code: 'unavailable', detail, retryAfterMs });
}
