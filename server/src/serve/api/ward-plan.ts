import {
  ChangeBed,
  ChangeWard,
  NewBed,
  NewWard,
  PlannedBed,
  PlannedWard,
  WardPlan,
} from '@healthsync/contracts/ward-plan';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  type BedId,
  type DepartmentId,
  parseBedId,
  parseDepartmentId,
  parseWardId,
  type WardId,
} from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { Bed, Ward } from '../../ports/registry.ts';
import type { WardPlan as KeptPlan } from '../../ports/ward-plan.ts';
import { principalOf } from '../access-gate.ts';
import { noteAudit } from '../audited.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { seesWard, seesWholeHouse } from '../ward-scope.ts';
import { IdPath } from './parameters.ts';

export interface WardPlanServices extends Pick<Services, 'view' | 'refreshView' | 'now'> {
  readonly plan: KeptPlan;
}

/** All of them are held in memory and are one answer: several times what the largest hospitals have. */
const WARDS_MAX = 500;
const BEDS_MAX = 10_000;

/**
 * Wards and beds, for whoever manages the house: made, called otherwise, moved, removed. Whoever was given wards does so
 * with theirs alone, and makes and removes none.
 */
export function registerWardPlan(app: FastifyInstance, services: WardPlanServices): void {
  const { plan, view, refreshView, now } = services;
  const api = app as unknown as Api;
  const tags = ['wards'];
  const write = { action: 'ward.write' } as const;

  api.get(
    '/api/ward-plan',
    {
      config: { action: 'user.read' },
      schema: { summary: 'Wards with their beds, and not who lies there', tags, response: { 200: WardPlan } },
    },
    (request): WardPlan => {
      const principal = principalOf(request);
      const wards = view().snapshot.wards.filter(({ id }) => seesWard(principal, id));
      return { wards: wards.map(shown), isWhole: seesWholeHouse(principal) };
    },
  );

  api.post(
    '/api/wards',
    { config: write, schema: { summary: 'Make a ward', tags, body: NewWard, response: { 201: PlannedWard } } },
    async (request, reply) => {
      const { id, name, departmentId } = request.body;
      if (!seesWholeHouse(principalOf(request))) return notTheWhole(reply);
      const read = readWard(id, { name, departmentId });
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const { ward } = read;
      noteAudit(request, { resourceId: ward.id, detail: wardDetail(ward) });
      if (view().snapshot.wards.length >= WARDS_MAX) return tooMany(reply, `${WARDS_MAX} wards`);
      if ((await plan.addWard(ward)) === 'taken') return taken(reply, 'id', 'There is a ward of this id already.');
      await refreshView();
      return reply.code(201).send(shown(ward));
    },
  );

  api.put(
    '/api/wards/:id',
    {
      config: write,
      schema: {
        summary: 'Call a ward otherwise, or put it to a department',
        tags,
        params: IdPath,
        body: ChangeWard,
        response: { 200: PlannedWard },
      },
    },
    async (request, reply) => {
      const before = wardOf(principalOf(request), request.params.id);
      if (before === undefined) return notFound(reply, 'ward');
      const read = readWard(before.id, request.body);
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const { ward } = read;
      noteAudit(request, { detail: { ...wardDetail(ward), nameBefore: before.name } });
      if ((await plan.changeWard(ward)) === 'not-found') return notFound(reply, 'ward');
      await refreshView();
      return reply.send(shown(ward));
    },
  );

  api.delete(
    '/api/wards/:id',
    { config: write, schema: { summary: 'Remove a ward that was never in use', tags, params: IdPath } },
    async (request, reply) => {
      const ward = wardOf(principalOf(request), request.params.id);
      if (ward === undefined) return notFound(reply, 'ward');
      if (!seesWholeHouse(principalOf(request))) return notTheWhole(reply);
      noteAudit(request, { detail: { nameBefore: ward.name } });
      switch (await plan.removeWard(ward.id)) {
        case 'in-use':
          return inUse(
            reply,
            'It has beds or people, or something was planned for it. What was in use stays; its name can change.',
          );
        case 'not-found':
          return notFound(reply, 'ward');
        case 'removed':
          await refreshView();
          return reply.code(204).send();
      }
    },
  );

  api.post(
    '/api/beds',
    { config: write, schema: { summary: 'Make a bed', tags, body: NewBed, response: { 201: PlannedBed } } },
    async (request, reply) => {
      const read = readBed(principalOf(request), request.body.id, request.body);
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const { bed } = read;
      noteAudit(request, { resourceId: bed.id, detail: bedDetail(bed) });
      if (view().snapshot.beds.length >= BEDS_MAX) return tooMany(reply, `${BEDS_MAX} beds`);
      switch (await plan.addBed(bed)) {
        case 'taken':
          return taken(reply, 'id', 'There is a bed of this id already.');
        case 'label-taken':
          return labelTaken(reply);
        case 'no-ward':
          return noSuchWard(reply);
        case 'added':
          await refreshView();
          return reply.code(201).send(bed);
      }
    },
  );

  api.put(
    '/api/beds/:id',
    {
      config: write,
      schema: {
        summary: 'Call a bed otherwise, or put it into another ward',
        tags,
        params: IdPath,
        body: ChangeBed,
        response: { 200: PlannedBed },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const before = bedOf(principal, request.params.id);
      if (before === undefined) return notFound(reply, 'bed');
      const read = readBed(principal, before.id, request.body);
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const { bed } = read;
      noteAudit(request, { detail: { ...bedDetail(bed), labelBefore: before.label, wardBefore: before.wardId } });
      switch (await plan.changeBed({ bed, from: before.wardId, nowMs: now() })) {
        case 'in-use':
          return inUse(reply, 'Somebody lies there, or looks after it by the plan: it stays in its ward until then.');
        case 'label-taken':
          return labelTaken(reply);
        case 'no-ward':
          return noSuchWard(reply);
        case 'not-found':
          return notFound(reply, 'bed');
        case 'changed':
          await refreshView();
          return reply.send(bed);
      }
    },
  );

  api.delete(
    '/api/beds/:id',
    { config: write, schema: { summary: 'Remove a bed nobody lies in', tags, params: IdPath } },
    async (request, reply) => {
      const bed = bedOf(principalOf(request), request.params.id);
      if (bed === undefined) return notFound(reply, 'bed');
      noteAudit(request, { detail: { labelBefore: bed.label, wardBefore: bed.wardId } });
      switch (await plan.removeBed({ id: bed.id, from: bed.wardId, nowMs: now() })) {
        case 'in-use':
          return inUse(reply, 'Somebody lies there, or looks after it by the plan.');
        case 'not-found':
          return notFound(reply, 'bed');
        case 'removed':
          await refreshView();
          return reply.code(204).send();
      }
    },
  );

  /** Another's ward is not there. */
  function wardOf(principal: Principal, id: unknown): Ward | undefined {
    const ward = view().snapshot.wards.find((each) => each.id === id);
    return ward !== undefined && seesWard(principal, ward.id) ? ward : undefined;
  }

  function bedOf(principal: Principal, id: unknown): Bed | undefined {
    const bed = view().snapshot.beds.find((each) => each.id === id);
    return bed !== undefined && seesWard(principal, bed.wardId) ? bed : undefined;
  }

  function readBed(
    principal: Principal,
    id: string,
    sent: { readonly wardId: string; readonly label: string },
  ): ReadBed {
    const errors: FieldError[] = [];
    const bedId = parseBedId(id);
    if (bedId === undefined) errors.push(NO_ID('id'));
    const ward = wardOf(principal, sent.wardId);
    if (ward === undefined) errors.push(NO_WARD);
    const label = readLabel('label', sent.label, errors);
    return bedId === undefined || ward === undefined || errors.length > 0
      ? { kind: 'invalid', errors }
      : { kind: 'read', bed: { id: bedId, wardId: ward.id, label } };
  }

  function shown({ id, name, departmentId }: Ward): PlannedWard {
    const beds = view().snapshot.beds.filter(({ wardId }) => wardId === id);
    return { id, name, ...(departmentId !== undefined && { departmentId }), beds: [...beds] };
  }
}

type ReadWard =
  | { readonly kind: 'read'; readonly ward: Ward }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };
type ReadBed =
  | { readonly kind: 'read'; readonly bed: Bed }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

function readWard(id: string, sent: { readonly name: string; readonly departmentId?: string | undefined }): ReadWard {
  const errors: FieldError[] = [];
  const wardId: WardId | undefined = parseWardId(id);
  if (wardId === undefined) errors.push(NO_ID('id'));
  const departmentId: DepartmentId | undefined = parseDepartmentId(sent.departmentId);
  if (sent.departmentId !== undefined && departmentId === undefined) errors.push(NO_ID('departmentId'));
  const name = readLabel('name', sent.name, errors);
  if (wardId === undefined || errors.length > 0) return { kind: 'invalid', errors };
  return { kind: 'read', ward: { id: wardId, name, ...(departmentId !== undefined && { departmentId }) } };
}

/** What people read on the wall and in messages. */
function readLabel(field: string, text: string, errors: FieldError[]): string {
  const label = text.trim();
  if (!/^[^\p{C}]{1,64}$/u.test(label))
    errors.push({ code: 'invalid-value', field, detail: '1 to 64 printable characters' });
  return label;
}

const NO_ID = (field: string): FieldError => ({
  code: 'invalid-value',
  field,
  detail: 'letters, digits, ".", "_" and "-", at most 64, not beginning with "."',
});
const NO_WARD: FieldError = { code: 'invalid-value', field: 'wardId', detail: 'no such ward, or not yours to change' };

const wardDetail = ({ name, departmentId }: Ward) => ({
  name,
  ...(departmentId !== undefined && { department: departmentId }),
});
const bedDetail = ({ wardId, label }: { readonly id: BedId; readonly wardId: WardId; readonly label: string }) => ({
  ward: wardId,
  label,
});

function taken(reply: FastifyReply, field: string, detail: string): FastifyReply {
  return sendProblem(reply, { status: 409, code: 'taken', detail, errors: [{ code: 'taken', field, detail }] });
}

const labelTaken = (reply: FastifyReply): FastifyReply =>
  taken(reply, 'label', 'A bed of this ward is called so already, and alarms name beds by it.');
const noSuchWard = (reply: FastifyReply): FastifyReply => invalid(reply, [NO_WARD]);
const inUse = (reply: FastifyReply, detail: string): FastifyReply =>
  sendProblem(reply, { status: 409, code: 'in-use', detail });
const tooMany = (reply: FastifyReply, what: string): FastifyReply =>
  sendProblem(reply, {
    status: 409,
    code: 'too-many',
    detail: `There are ${what} already, which is as many as there can be.`,
  });
const notTheWhole = (reply: FastifyReply): FastifyReply =>
  sendProblem(reply, {
    status: 403,
    code: 'other-ward',
    detail: 'Wards are made and removed by whoever was given none in particular.',
  });
