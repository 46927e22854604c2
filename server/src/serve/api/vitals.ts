import { SparklineResponse, TrendResponse, VitalsHistoryResponse } from '@healthsync/contracts/patient';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { type PatientId, parsePatientId, type WardId } from '../../domain/ids.ts';
import type { AssignedReading } from '../../domain/reading.ts';
import { VITAL_NAMES, type VitalName } from '../../domain/vital.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { doubtsAbout, isDoubtful } from '../doubts.ts';
import { allWards, placesIn } from '../live/places.ts';
import { invalid, notFound } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { seesWard, visiblePatient } from '../ward-scope.ts';
import { DAY_MS, HOUR_MS, IdPath, Instant, parsePeriod, WardPath } from './parameters.ts';

/** A page of readings: a quarter of an hour at one a second by default, some 2 MB at most. */
const READINGS_DEFAULT = 1_000;
const READINGS_MAX = 10_000;
/** A little over a year: what a trend may span. */
const SPAN_MAX_MS = 400 * DAY_MS;
/** Twice the pixels of a wide screen. */
const BUCKETS_MAX = 4_000;
/** Beds whose sparklines are read at once, and in all. */
const SPARKLINES_AT_ONCE = 4;
const SPARKLINES_MAX = 250;
/** After a restart every wall asks for the same: they share one answer. */
const SPARKLINES_FRESH_MS = 10_000;

/** What was measured: every reading, trends for drawing, and the wall's sparklines. */
export function registerVitals(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { mayShow, history, view, statusOf, now } = services;

  api.get(
    '/api/patients/:id/vitals',
    {
      // Up to thousands of values: twenty a second carry no house away.
      config: { action: 'vitals.read', cost: 5 },
      schema: {
        summary: 'Readings of a patient, oldest first',
        tags: ['vitals'],
        params: IdPath,
        querystring: Type.Object(
          {
            from: Type.Optional(Instant),
            to: Type.Optional(Instant),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: READINGS_MAX })),
          },
          { additionalProperties: false },
        ),
        response: { 200: VitalsHistoryResponse },
      },
    },
    async (request, reply) => {
      const patientId = parsePatientId(request.params.id);
      if (patientId === undefined || visiblePatient(principalOf(request), view(), patientId) === undefined)
        return notFound(reply, 'patient');
      const period = parsePeriod(request.query, { nowMs: now(), spanMs: HOUR_MS, longestMs: 50 * 366 * DAY_MS });
      if (period.kind === 'invalid') return invalid(reply, period.errors);
      const limit = request.query.limit ?? READINGS_DEFAULT;
      const { fromMs, toMs } = period;
      const readings = await history.read({ patientId, fromMs, toMs, limit: limit + 1 });
      const doubtful = new Set(readings.filter((one) => isDoubtful(view(), one)).map(({ id }) => id as string));
      const shown = page(readings, limit);
      return reply.send({
        ...shown,
        readings: shown.readings.map((one) => (doubtful.has(one.id) ? { ...one, doubtful: true as const } : one)),
        ...doubtsAbout(view(), { patientId, fromMs, toMs }),
      });
    },
  );

  api.get(
    '/api/patients/:id/trend',
    {
      config: { action: 'vitals.read' },
      schema: {
        summary: 'Mean, lowest and highest of each vital in equal spans of time',
        tags: ['vitals'],
        params: IdPath,
        querystring: Type.Object(
          {
            from: Type.Optional(Instant),
            to: Type.Optional(Instant),
            buckets: Type.Optional(Type.Integer({ minimum: 1, maximum: BUCKETS_MAX })),
            vital: Type.Optional(Type.Enum([...VITAL_NAMES])),
          },
          { additionalProperties: false },
        ),
        response: { 200: TrendResponse },
      },
    },
    async (request, reply) => {
      const patientId = parsePatientId(request.params.id);
      if (patientId === undefined || visiblePatient(principalOf(request), view(), patientId) === undefined)
        return notFound(reply, 'patient');
      const period = parsePeriod(request.query, { nowMs: now(), spanMs: HOUR_MS, longestMs: SPAN_MAX_MS });
      if (period.kind === 'invalid') return invalid(reply, period.errors);
      const { buckets = 300, vital } = request.query;
      const vitals = vital === undefined ? VITAL_NAMES : [vital as VitalName];
      return reply.send(await trend(patientId, { ...period, buckets, vitals }));
    },
  );

  async function trend(
    patientId: PatientId,
    asked: {
      readonly fromMs: number;
      readonly toMs: number;
      readonly buckets: number;
      readonly vitals: readonly VitalName[];
    },
  ): Promise<TrendResponse> {
    const { fromMs, buckets, vitals } = asked;
    const bucketMs = Math.max(1, Math.ceil((asked.toMs - fromMs) / buckets));
    // Whole milliseconds per span: the last one may reach a little past what was asked.
    const toMs = fromMs + bucketMs * buckets;
    const series: TrendResponse['series'] = {};
    await Promise.all(
      vitals.map(async (vital) => {
        const points = await history.trend({ patientId, vital, fromMs, toMs, buckets });
        if (points.length === 0) return;
        series[vital] = {
          at: points.map((point) => point.atMs),
          mean: points.map((point) => point.mean),
          min: points.map((point) => point.min),
          max: points.map((point) => point.max),
        };
      }),
    );
    return { from: fromMs, to: toMs, bucketMs, series, ...doubtsAbout(view(), { patientId, fromMs, toMs }) };
  }

  const sparklines = new Map<string, { readonly atMs: number; readonly answer: Promise<SparklineResponse> }>();

  api.get(
    '/api/wards/:id/sparklines',
    {
      // The wall's own picture without names: whoever may watch the wall.
      config: { action: 'wall.watch' },
      schema: {
        summary: 'Heart rate of each bed of a ward over the last minutes',
        tags: ['vitals'],
        params: WardPath,
        querystring: Type.Object(
          { minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 240 })) },
          { additionalProperties: false },
        ),
        response: { 200: SparklineResponse },
      },
    },
    async (request, reply) => {
      const ward = allWards(view()).find((one) => one === request.params.id);
      if (ward === undefined || !seesWard(principalOf(request), ward)) return notFound(reply, 'ward');
      const { minutes = 15 } = request.query;
      const key = `${minutes} ${ward}`;
      for (const [old, { atMs }] of sparklines) if (now() - atMs > SPARKLINES_FRESH_MS) sparklines.delete(old);
      const known = sparklines.get(key);
      if (known !== undefined) return reply.send(shown(await known.answer));
      const answer = readSparklines(ward, minutes);
      sparklines.set(key, { atMs: now(), answer });
      answer.catch(() => sparklines.delete(key));
      return reply.send(shown(await answer));
    },
  );

  /** Asked of every answer, the remembered ones too: where treatment needs consent, it may be gone since. */
  function shown({ bucketMs, patients }: SparklineResponse): SparklineResponse {
    const open = Object.entries(patients).filter(([id]) => mayShow?.(id as PatientId) ?? true);
    return { bucketMs, patients: Object.fromEntries(open) };
  }

  async function readSparklines(ward: WardId, minutes: number): Promise<SparklineResponse> {
    const buckets = 60;
    const toMs = now();
    const fromMs = toMs - minutes * 60_000;
    const patients: SparklineResponse['patients'] = {};
    const waiting = placesIn(view(), ward, statusOf)
      .slice(0, SPARKLINES_MAX)
      .map((place) => place.id);
    const work = async () => {
      for (let patientId = waiting.pop(); patientId !== undefined; patientId = waiting.pop()) {
        const points = await history.trend({ patientId, vital: 'heartRate', fromMs, toMs, buckets });
        if (points.length > 0)
          patients[patientId] = { at: points.map((point) => point.atMs), v: points.map((point) => point.mean) };
      }
    };
    await Promise.all(Array.from({ length: SPARKLINES_AT_ONCE }, work));
    return { bucketMs: (minutes * 60_000) / buckets, patients };
  }
}

/** One page out of at most one reading more: readings of one instant are never torn apart by the next page's `from`. */
export function page(readings: readonly AssignedReading[], limit: number): VitalsHistoryResponse {
  const extra = readings[limit];
  if (extra === undefined) return { readings: readings.map(toShown) };
  const before = readings.filter((reading) => reading.atMs < extra.atMs);
  // A whole page within one millisecond: step over it rather than stand still.
  if (before.length === 0) return { readings: readings.slice(0, limit).map(toShown), next: rfc3339(extra.atMs + 1) };
  return { readings: before.map(toShown), next: rfc3339(extra.atMs) };
}

function toShown(reading: AssignedReading): VitalsHistoryResponse['readings'][number] {
  return {
    id: reading.id,
    deviceId: reading.deviceId,
    at: rfc3339(reading.atMs),
    receivedAt: rfc3339(reading.receivedAtMs),
    vitals: { ...reading.vitals },
    context: { ...reading.context },
    status: { ...reading.status },
  };
}
