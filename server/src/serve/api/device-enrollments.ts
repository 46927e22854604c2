import {
  ApproveEnrollment,
  DeviceEnrollment,
  DeviceEnrollmentList,
  DeviceInvitation,
  NewDeviceInvitation,
  RefuseEnrollment,
} from '@healthsync/contracts/device-enrollment';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { parseDeviceId } from '../../domain/ids.ts';
import { colonHex } from '../../identity/device-authority.ts';
import type { DecideOutcome, Decider, EnrollmentDesk } from '../../identity/device-enrollment.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { Enrollment } from '../../ports/device-enrollments.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn } from '../caller.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

export interface DeviceEnrollmentServices {
  readonly desk: EnrollmentDesk;
  readonly view: () => RegistryView;
  /** Where devices ask: our EST server. */
  readonly server: () => string;
  /** SHA-256 of the certificate by which devices know us, in hex with colons. */
  readonly authorityFingerprint: () => string;
  readonly now: () => number;
}

/** A day: whoever makes it carries it to the bedside this shift or the next, and a slip of paper left there is worth nothing after. */
const HOURS_DEFAULT = 24;

/** Devices on their way in, for the people who let them in. */
export function registerDeviceEnrollments(app: FastifyInstance, services: DeviceEnrollmentServices): void {
  const { desk, view, server, authorityFingerprint, now } = services;
  const api = app as unknown as Api;
  const tags = ['devices'];

  api.get(
    '/api/device-enrollments',
    {
      config: { action: 'device.read' },
      schema: { summary: 'Devices on their way in', tags, response: { 200: DeviceEnrollmentList } },
    },
    async (request) => {
      const principal = principalOf(request);
      const found = await desk.list(principal.tenantId);
      return { enrollments: found.map((each) => shown(each, principal)) };
    },
  );

  api.post(
    '/api/device-enrollments',
    {
      config: { action: 'device.enroll' },
      schema: {
        summary: 'Make a code with which one device may ask for its certificate, once',
        tags,
        body: NewDeviceInvitation,
        response: { 201: DeviceInvitation },
      },
    },
    async (request, reply) => {
      const { deviceId: text, hours = HOURS_DEFAULT, profile } = request.body;
      const deviceId = parseDeviceId(text);
      if (deviceId === undefined)
        return invalid(reply, [{ code: 'invalid-value', field: 'deviceId', detail: 'not a device id' }]);
      const principal = principalOf(request);
      if (decisionOn(principal, { kind: 'device', deviceId }).policies.includes('other-tenant'))
        return sendProblem(reply, { status: 409, code: 'not-yours', detail: 'A device of this id is not yours.' });
      const by = deciderOf(principal);
      const outcome = await desk.invite({
        deviceId,
        hours,
        by,
        ...(profile !== undefined && { profile }),
      });
      if (outcome.kind === 'taken') return taken(reply);
      const { enrollment, code } = outcome;
      noteAudit(request, { resourceId: deviceId, detail: { enrollment: enrollment.id, hours } });
      return reply.code(201).send({
        id: enrollment.id,
        deviceId,
        code,
        expiresAt: rfc3339(enrollment.expiresAtMs),
        server: server(),
        authorityFingerprint: authorityFingerprint(),
      });
    },
  );

  api.post(
    '/api/device-enrollments/:id/approve',
    {
      config: { action: 'device.enroll' },
      schema: {
        summary: 'Let a device in whose fingerprint was compared with the one it shows',
        tags,
        params: IdPath,
        body: ApproveEnrollment,
        response: { 200: DeviceEnrollment },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const keyFingerprint = request.body.keyFingerprint.replaceAll(':', '').toLowerCase();
      return answer(reply, principal, await desk.approve(request.params.id, keyFingerprint, deciderOf(principal)));
    },
  );

  api.post(
    '/api/device-enrollments/:id/refuse',
    {
      config: { action: 'device.enroll' },
      schema: {
        summary: 'Refuse a device that waits, or take back a code that was not used',
        tags,
        params: IdPath,
        body: RefuseEnrollment,
        response: { 200: DeviceEnrollment },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const reason = request.body.reason.trim();
      if (reason.length < 3)
        return invalid(reply, [{ code: 'invalid-value', field: 'reason', detail: 'at least 3 characters' }]);
      return answer(reply, principal, await desk.refuse(request.params.id, reason, deciderOf(principal)));
    },
  );

  function answer(reply: FastifyReply, principal: Principal, outcome: DecideOutcome): FastifyReply {
    switch (outcome.kind) {
      case 'done': {
        const { enrollment } = outcome;
        noteAudit(reply.request, {
          detail: {
            device: enrollment.deviceId,
            state: enrollment.state,
            ...(enrollment.request !== undefined && { keyFingerprint: enrollment.request.keyFingerprint }),
            ...(enrollment.serial !== undefined && { serial: enrollment.serial }),
          },
        });
        return reply.send(shown(enrollment, principal));
      }
      case 'not-found':
        return notFound(reply, 'enrollment');
      case 'decided-already':
        return sendProblem(reply, { status: 409, code: 'decided-already', detail: `It is ${outcome.state} already.` });
      case 'other-key':
        return sendProblem(reply, {
          status: 409,
          code: 'other-key',
          detail: 'What waits has another fingerprint than the one that was compared.',
        });
      case 'another-person':
        return sendProblem(reply, {
          status: 403,
          code: 'another-person',
          detail: 'Somebody else than who made the code lets the device in.',
        });
      case 'key-in-use':
        return sendProblem(reply, {
          status: 409,
          code: 'key-in-use',
          detail: 'Another device has this key, or it was withdrawn: refuse it.',
        });
      case 'taken':
        return taken(reply);
      case 'worn-by-another':
        return sendProblem(reply, {
          status: 409,
          code: 'worn-by-another',
          detail: 'Another patient wears this device: take it off them first.',
        });
      default:
        return outcome satisfies never;
    }
  }

  function shown(enrollment: Enrollment, principal: Principal): DeviceEnrollment {
    const { request, state } = enrollment;
    const isUndecided = state === 'invited' || state === 'waiting';
    const isOver = isUndecided && enrollment.expiresAtMs <= now();
    const known = view().device(enrollment.deviceId)?.certificates ?? [];
    const isOpen = state === 'waiting' && !isOver;
    return {
      id: enrollment.id,
      deviceId: enrollment.deviceId,
      state: isOver ? 'expired' : state,
      invitedBy: enrollment.invitedBy,
      invitedAt: rfc3339(enrollment.invitedAtMs),
      expiresAt: rfc3339(enrollment.expiresAtMs),
      isKnown: known.some((each) => each.revokedAtMs === undefined && each.notAfterMs > now()),
      ...(request !== undefined && {
        request: {
          at: rfc3339(request.atMs),
          address: request.address,
          keyFingerprint: colonHex(request.keyFingerprint),
          ...request.stated,
        },
      }),
      approval: !isOpen ? 'none' : desk.mayApprove(enrollment, deciderOf(principal)) ? 'yours' : 'another-person',
      ...(enrollment.decidedBy !== undefined && { decidedBy: enrollment.decidedBy }),
      ...(enrollment.decidedAtMs !== undefined && { decidedAt: rfc3339(enrollment.decidedAtMs) }),
      ...(enrollment.reason !== undefined && { reason: enrollment.reason }),
      ...(enrollment.serial !== undefined && { serial: enrollment.serial }),
    };
  }
}

function taken(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 409, code: 'taken', detail: 'There is a device of that name already.' });
}

const deciderOf = ({ name, userId, tenantId }: Principal): Decider => ({ name, userId, tenantId });
