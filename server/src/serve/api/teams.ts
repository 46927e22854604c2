import { CareAssignment, CareTeam, PostAssignment, PutShifts, Shift } from '@healthsync/contracts/care-team';
import { Version } from '@healthsync/contracts/problem';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import {
  type AssignedPerson,
  assignmentProblems,
  chargeNursesOf,
  type CareAssignment as DomainAssignment,
  doctorsOf,
  nursesOf,
  shiftAt,
  shiftProblems,
  type WardTeam,
} from '../../domain/care-team.ts';
import type { EscalationWorld } from '../../domain/escalation.ts';
import { type BedId, type PatientId, parseWardId, type UserId, type WardId } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { KeptTeam } from '../../ports/care-teams.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { may } from '../caller.ts';
import { toAssignment } from '../care-team-shape.ts';
import { invalid, notFound } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { hasWard, seesWard } from '../ward-scope.ts';
import type { EscalationServices } from './escalation-services.ts';
import { Id, IdPath, Instant, parseInstant } from './parameters.ts';
import { namesIn } from './rota-reading.ts';

const AssignmentPath = Type.Object({ id: Id, assignmentId: Id });

/** Care teams: who looks after whom in a ward, shift by shift. */
export function registerTeams(app: FastifyInstance, services: EscalationServices): void {
  const api = app as unknown as Api;
  const { teams, directory, view, zone, newId, now } = services;
  const write = { action: 'team.write' } as const;
  const tags = ['care teams'];

  api.get(
    '/api/wards/:id/care-team',
    {
      config: { action: 'rota.read' },
      schema: {
        summary: 'Who looks after whom in a ward, and who is missing',
        tags,
        params: IdPath,
        querystring: Type.Object({ at: Type.Optional(Instant) }, { additionalProperties: false }),
        response: { 200: CareTeam },
      },
    },
    async (request, reply) => {
      const wardId = visibleWard(principalOf(request), request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      const { at } = request.query;
      const atMs = at === undefined ? now() : parseInstant(at);
      if (atMs === undefined) return invalidTime(reply, 'at');
      const [team, world] = await Promise.all([teamOf(wardId), directory.worldOf({ wardId })]);
      const whole = shown(team, world, atMs);
      return reply.send(may(principalOf(request), 'patient.read') ? whole : withoutPatients(whole));
    },
  );

  api.put(
    '/api/wards/:id/shifts',
    {
      config: write,
      schema: {
        summary: 'When a ward’s shifts are',
        tags,
        params: IdPath,
        body: PutShifts,
        response: { 200: Type.Object({ zone: Type.String(), shifts: Type.Array(Shift), version: Version }) },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const wardId = visibleWard(principal, request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      const { version: inBody, ...wanted } = request.body;
      const problems = shiftProblems(wanted, (await teamOf(wardId)).assignments);
      if (problems.length > 0) return invalid(reply, problems);
      const from = versionFrom(request, inBody);
      const outcome = await teams.putShifts({
        wardId,
        ...wanted,
        ...(from !== undefined && { from }),
        by: signatureOf(principal),
        atMs: now(),
      });
      if (outcome.kind === 'changed-meanwhile') return notFromThis(reply, from, outcome);
      return sendVersioned(reply, outcome.version, { ...wanted, version: outcome.version });
    },
  );

  api.post(
    '/api/wards/:id/assignments',
    {
      config: write,
      schema: {
        summary: 'Give beds, patients or the ward to somebody',
        tags,
        params: IdPath,
        body: PostAssignment,
        response: { 201: CareAssignment },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const wardId = visibleWard(principal, request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      const { role, userId, bedIds = [], patientIds = [], from, to, shift } = request.body;
      const [askedMs, toMs] = [
        from === undefined ? now() : parseInstant(from),
        to === undefined ? to : parseInstant(to),
      ];
      if (askedMs === undefined) return invalidTime(reply, 'from');
      // Who looked after whom until now is a record, and stays as it was.
      const fromMs = Math.max(askedMs, now());
      if (to !== undefined && toMs === undefined) return invalidTime(reply, 'to');
      const wanted: Omit<DomainAssignment, 'id'> = {
        wardId,
        role,
        userId: userId as UserId,
        bedIds: bedIds as BedId[],
        patientIds: patientIds as PatientId[],
        fromMs,
        ...(toMs !== undefined && { toMs }),
        ...(shift !== undefined && { shift }),
      };
      const world = await directory.worldOf({ wardId });
      const problems = assignmentProblems(wanted, {
        userIds: new Set(world.people.keys()),
        bedIds: new Set(view().snapshot.beds.flatMap((bed) => (bed.wardId === wardId ? bed.id : []))),
        patientIds: new Set(
          view()
            .patientsIn(wardId)
            .map(({ id }) => id),
        ),
        shifts: (await teamOf(wardId)).shifts,
      });
      if (problems.length > 0) return invalid(reply, problems);
      // Who may not see the ward could not look after anybody in it: they would be told, and find nothing.
      const assignee = world.people.get(wanted.userId);
      if (assignee !== undefined && !hasWard(assignee, wardId))
        return invalid(reply, [{ code: 'other-ward', field: 'userId', detail: 'may not see this ward' }]);
      const made = { ...wanted, id: newId(), madeBy: signatureOf(principal), madeAtMs: now() };
      await teams.assign(made);
      return reply.code(201).send(toAssignment(made, namesIn(world)));
    },
  );

  api.delete(
    '/api/wards/:id/assignments/:assignmentId',
    {
      config: write,
      schema: { summary: 'End an assignment now', tags, params: AssignmentPath, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const wardId = visibleWard(principal, request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      const id = request.params.assignmentId;
      const isEnded = await teams.endAssignment({ wardId, id, by: signatureOf(principal), atMs: now() });
      return isEnded ? reply.code(204).send(null) : notFound(reply, 'assignment');
    },
  );

  function visibleWard(principal: Principal, text: string): WardId | undefined {
    const wardId = parseWardId(text);
    const exists = view().snapshot.wards.some(({ id }) => id === wardId);
    return exists && seesWard(principal, wardId) ? wardId : undefined;
  }

  async function teamOf(wardId: WardId): Promise<KeptTeam> {
    return (await teams.team(wardId, now())) ?? { wardId, zone, shifts: [], version: 0, assignments: [] };
  }

  function shown(team: KeptTeam, world: EscalationWorld, atMs: number): CareTeam {
    const nameOf = namesIn(world);
    const persons = (people: readonly AssignedPerson[]) =>
      people.map(({ userId }) => ({ userId, name: nameOf(userId) ?? userId }));
    const patients = new Map(
      view()
        .patientsIn(team.wardId)
        .map((place) => [place.bedId, place.id]),
    );
    const beds = view()
      .snapshot.beds.filter(({ wardId }) => wardId === team.wardId)
      .map(({ id, label }) => {
        const patientId = patients.get(id);
        const place = { bedId: id, bed: label, ...(patientId !== undefined && { patientId }) };
        return { ...place, nurses: persons(nursesOf(team, place, atMs)) };
      });
    const shiftNow = shiftAt(team, atMs);
    return {
      wardId: team.wardId,
      at: rfc3339(atMs),
      zone: team.zone,
      shifts: team.shifts.map((each) => ({ ...each })),
      shiftsVersion: team.version,
      ...(shiftNow !== undefined && { shiftNow }),
      assignments: team.assignments.map((each) => toAssignment(each, nameOf)),
      beds,
      chargeNurses: persons(chargeNursesOf(team, atMs)),
      doctors: persons(doctorsOf(team, {}, atMs)),
      warnings: warningsOf(team, beds, world, atMs),
    };
  }
}

/** For those who plan, and do not look after patients: beds and people, not who lies where. */
function withoutPatients(team: CareTeam): CareTeam {
  return {
    ...team,
    beds: team.beds.map(({ patientId: _, ...bed }) => bed),
    assignments: team.assignments.map((each) => ({ ...each, patientIds: [] })),
  };
}

/** Only of beds in which somebody lies. */
function warningsOf(
  team: WardTeam,
  beds: CareTeam['beds'],
  { people, contacts }: EscalationWorld,
  atMs: number,
): CareTeam['warnings'] {
  const warnings: CareTeam['warnings'] = beds
    .filter(({ patientId, nurses }) => patientId !== undefined && nurses.length === 0)
    .map(({ bedId, bed }) => ({ code: 'bed-without-nurse', bedId, text: `bed ${bed} has no nurse` }));
  if (chargeNursesOf(team, atMs).length === 0)
    warnings.push({ code: 'no-charge-nurse', text: 'the ward has no charge nurse' });
  if (doctorsOf(team, {}, atMs).length === 0) warnings.push({ code: 'no-doctor', text: 'the ward has no doctor' });
  for (const userId of new Set(team.assignments.map((each) => each.userId))) {
    const person = people.get(userId);
    if (person === undefined) warnings.push({ code: 'unknown-person', userId, text: 'assigned, but no longer a user' });
    else if ((contacts.get(userId)?.length ?? 0) === 0)
      warnings.push({ code: 'unreachable', userId, text: `${person.displayName} has no verified contact` });
  }
  return warnings;
}

function invalidTime(reply: FastifyReply, field: string): FastifyReply {
  return invalid(reply, [{ code: 'invalid-time', field, detail: 'must be RFC 3339 with a zone, or ms' }]);
}
