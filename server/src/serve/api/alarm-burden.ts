import { AlarmBurdenDatasets, AlarmBurdenPreview, PostAlarmBurden } from '@healthsync/contracts/alarm-burden';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type BurdenQuestion, burdenJob } from '../../analytics/alarm-burden-job.ts';
import type { BurdenDesk, BurdenPreview } from '../../analytics/burden-desk.ts';
import type { CaughtFigures } from '../../domain/alarm-burden-events.ts';
import type { SideFigures } from '../../domain/alarm-burden-side.ts';
import { parseWardId } from '../../domain/ids.ts';
import type { Rule } from '../../domain/rule.ts';
import { changeRules } from '../../domain/rule-change.ts';
import type { RulePlace } from '../../domain/rule-place.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { RecordedDatasets } from '../../ports/recorded-datasets.ts';
import type { RuleSets } from '../../ports/rule-sets.ts';
import { principalOf } from '../access-gate.ts';
import { type ShownWith, showPreview } from '../alarm-burden-shape.ts';
import { may } from '../caller.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { ownRules, readRuleChain } from '../rule-chain.ts';
import { placeVisibleTo, visiblePlace } from '../rule-place.ts';
import { readRules } from '../rule-shape.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

const DAYS_DEFAULT = 7;
/** As long as `days` may be, and as PhysioNet's longest record. */
const DATASET_DAYS_DEFAULT = 14;
/** Who is told that too many wait tries again when one may be done. */
const BUSY_MS = 30_000;

/** What is kept with a preview: what it is shown with, and of which places it is. */
export interface BurdenAbout extends ShownWith {
  readonly places: readonly RulePlace[];
  /** What is proposed, and for where. */
  readonly place: RulePlace;
  readonly rules: readonly Rule[];
}

export interface AlarmBurdenServices extends Pick<Services, 'view' | 'shownPreviews' | 'now'> {
  readonly ruleSets: Pick<RuleSets, 'read'>;
  readonly desk: BurdenDesk<BurdenAbout>;
  readonly datasets: Pick<RecordedDatasets, 'names'>;
}

/** What a change of rules would have meant, on what was measured: asked for, looked after, taken back. */
export function registerAlarmBurden(app: FastifyInstance, services: AlarmBurdenServices): void {
  const api = app as unknown as Api;
  const { desk, datasets, ruleSets, view, now } = services;
  const tags = ['rules'];

  /** Only who asked sees it, and only while they may see its places. */
  const ownPreview = (request: FastifyRequest, id: string) => {
    const principal = principalOf(request);
    const preview = desk.find(id);
    return preview?.by === principal.userId &&
      preview.about.places.every((place) => placeVisibleTo(services, principal, place) !== undefined)
      ? preview
      : undefined;
  };

  api.post(
    '/api/rules/preview',
    {
      config: { action: 'rules.read', cost: 60 },
      schema: {
        summary: 'What these rules would have rung, missed and delayed: begins to compute it',
        tags,
        body: PostAlarmBurden,
        response: { 202: AlarmBurdenPreview },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { scope, scopeId, rules: given, dataset } = request.body;
      const visible = visiblePlace(services, principal, scope, scopeId);
      if (visible === undefined) return notFound(reply, scope);
      const { place, patient } = visible;
      const read = readRules(given);
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const tried = await triedOn(principal, request.body, place);
      if (tried.kind === 'not-found') return notFound(reply, tried.what);
      if (tried.kind === 'invalid') return invalid(reply, tried.errors);

      const chain = await readRuleChain(ruleSets, place, patient, now());
      const change = changeRules({ own: ownRules(chain), requested: read.rules, inherited: chain.inherited });
      if (change.kind === 'refused')
        return invalid(
          reply,
          change.problems.filter(({ severity }) => severity === 'error'),
        );
      const question: BurdenQuestion = { place, rules: read.rules, on: tried.on };
      const { job, hasOverrides } = burdenJob(question, view().snapshot, now());
      const asked = desk.ask({
        by: principal.userId,
        job,
        about: {
          place,
          rules: read.rules,
          places: [place, ...tried.places],
          revision: chain.own.revision,
          ...(dataset === undefined ? {} : { dataset }),
          hasOverrides,
          isNoChange: change.put.length + change.remove.length + change.wait.length === 0,
        },
      });
      if (asked.kind === 'busy')
        return sendProblem(reply, {
          status: 429,
          code: 'preview-busy',
          detail: 'Others wait for a preview already. Try again soon.',
          retryAfterMs: BUSY_MS,
        });
      return reply
        .code(202)
        .header('location', `/api/rules/preview/${asked.preview.id}`)
        .header('cache-control', 'no-store')
        .send(showPreview(asked.preview, maySeePatients(principal)));
    },
  );

  api.get(
    '/api/rules/preview/datasets',
    {
      config: { action: 'rules.read' },
      schema: { summary: 'Recorded patients to try rules on', tags, response: { 200: AlarmBurdenDatasets } },
    },
    async (_, reply) => reply.send({ datasets: (await datasets.names()).map((name) => ({ name })) }),
  );

  api.get(
    '/api/rules/preview/:id',
    {
      config: { action: 'rules.read' },
      schema: { summary: 'How a preview stands', tags, params: IdPath, response: { 200: AlarmBurdenPreview } },
    },
    async (request, reply) => {
      const preview = ownPreview(request, request.params.id);
      if (preview === undefined) return notFound(reply, 'preview');
      remember(preview, principalOf(request));
      return reply.header('cache-control', 'no-store').send(showPreview(preview, maySeePatients(principalOf(request))));
    },
  );

  api.delete(
    '/api/rules/preview/:id',
    {
      config: { action: 'rules.read' },
      schema: {
        summary: 'Take a preview back; one that has ended stays',
        tags,
        params: IdPath,
        response: { 200: AlarmBurdenPreview },
      },
    },
    async (request, reply) => {
      const preview = ownPreview(request, request.params.id);
      if (preview === undefined) return notFound(reply, 'preview');
      await desk.cancel(preview.id);
      return reply.send(showPreview(preview, maySeePatients(principalOf(request))));
    },
  );

  /** Whoever fetched the figures has been shown them. */
  function remember({ id, answer, about }: BurdenPreview<BurdenAbout>, principal: Principal): void {
    if (answer === undefined) return;
    const { figures, fromMs, toMs } = answer;
    const { before, after, sustained } = figures;
    const side = ({ alarms }: SideFigures, { missed }: CaughtFigures) => ({
      alarms: alarms.high + alarms.medium + alarms.low,
      missed,
    });
    const { place, rules, revision, dataset } = about;
    services.shownPreviews.add({
      userId: principal.userId,
      place,
      rules,
      burden: {
        id,
        by: signatureOf(principal),
        atMs: now(),
        ...(dataset === undefined ? {} : { dataset }),
        revision,
        fromMs,
        toMs,
        patients: figures.patients,
        patientDays: figures.measuredMs / 86_400_000,
        before: side(before, sustained.before),
        after: side(after, sustained.after),
        sustained: { events: sustained.events, newlyMissed: sustained.newlyMissed, delayed: sustained.delayed },
      },
    });
  }

  type TriedOn =
    | { readonly kind: 'ok'; readonly on: BurdenQuestion['on']; readonly places: readonly RulePlace[] }
    | { readonly kind: 'not-found'; readonly what: string }
    | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

  /** On whom: recorded patients, the patient, the ward itself, or with the house's rules the ward that was named. */
  async function triedOn(principal: Principal, body: PostAlarmBurden, place: RulePlace): Promise<TriedOn> {
    const { dataset, ward, days } = body;
    if (dataset !== undefined) {
      if (ward !== undefined) return wrong('ward', 'is not needed with a data set');
      if (!(await datasets.names()).includes(dataset)) return { kind: 'not-found', what: 'data set' };
      return { kind: 'ok', on: { dataset, days: days ?? DATASET_DAYS_DEFAULT }, places: [] };
    }
    if (place.scope !== 'house' && ward !== undefined) return wrong('ward', 'is for the rules of the house');
    if (place.scope === 'patient')
      return { kind: 'ok', on: { patientId: place.patientId, days: days ?? DAYS_DEFAULT }, places: [] };
    const wardId = place.scope === 'ward' ? place.wardId : parseWardId(ward);
    if (wardId === undefined) return wrong('ward', 'says on whose patients the rules of the house are tried');
    if (visiblePlace(services, principal, 'ward', wardId) === undefined) return { kind: 'not-found', what: 'ward' };
    return { kind: 'ok', on: { wardId, days: days ?? DAYS_DEFAULT }, places: [{ scope: 'ward', wardId }] };
  }
}

function wrong(field: string, detail: string) {
  return { kind: 'invalid', errors: [{ code: 'invalid-value', field, detail }] } as const;
}

/** Patients are named to who may read their values: who had most alarms is about their health. */
function maySeePatients(principal: Principal): boolean {
  const everywhere = principal.wardIds.length === 0;
  // Of a ward as a whole: for research and for others it is one patient at a time.
  return everywhere
    ? may(principal, 'vitals.read', { kind: 'house' })
    : principal.wardIds.some((wardId) => may(principal, 'vitals.read', { kind: 'ward', wardId }));
}
