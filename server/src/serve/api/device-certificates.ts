import { CommandResult, RevokeDevice, Revoked } from '@healthsync/contracts/device';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseDeviceId } from '../../domain/ids.ts';
import type { Device } from '../../ports/registry.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn } from '../caller.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { DAY_MS, IdPath, parseInstant } from './parameters.ts';

/** Taking a device's certificates away: a lost or stolen one must not wait for somebody at a command line. */
export function registerDeviceCertificates(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { view, registry, refreshView, devices, now } = services;

  api.post(
    '/api/devices/:id/revoke',
    {
      config: { action: 'device.write' },
      schema: {
        summary: 'Revoke a certificate, or all of a device and its tokens; open connections end within 5 s',
        tags: ['devices'],
        params: IdPath,
        body: RevokeDevice,
        response: { 200: Revoked },
      },
    },
    async (request, reply) => {
      const device = theirs(request);
      if (device === undefined) return notFound(reply, 'device');
      const { serial, code } = request.body;
      const reason = request.body.reason.trim();
      const sinceMs = request.body.since === undefined ? undefined : parseInstant(request.body.since);
      const errors = problemsOf(device, { ...request.body, reason, sinceMs }, now());
      if (errors.length > 0) return invalid(reply, errors);
      const atMs = now();
      const revoked = await registry.revoke({
        deviceId: device.id,
        atMs,
        reason,
        ...(serial !== undefined && { serial }),
        ...(code !== undefined && { code }),
        ...(sinceMs !== undefined && { invalidFromMs: sinceMs }),
      });
      if (sinceMs !== undefined) {
        const { name: by, tenantId } = principalOf(request);
        // What was under way when it was cut off arrives within seconds.
        await devices.doubt?.({ deviceId: device.id, sinceMs, untilMs: atMs + UNDER_WAY_MS, reason, by, tenantId });
      }
      if (code === 'keyCompromise') devices.onCompromised?.(device.id);
      noteAudit(request, {
        detail: {
          revoked,
          ...(serial !== undefined && { serial }),
          ...(code !== undefined && { code }),
          ...(sinceMs !== undefined && { doubtfulFrom: rfc3339(sinceMs) }),
        },
      });
      // Its connections end now, not with the next notice.
      await refreshView();
      return reply.send({ revoked, ...(sinceMs !== undefined && { doubtfulFrom: rfc3339(sinceMs) }) });
    },
  );

  api.post(
    '/api/devices/:id/renew',
    {
      config: { action: 'device.write' },
      schema: {
        summary: 'Tell a device to renew its certificate now',
        tags: ['devices'],
        params: IdPath,
        response: { 202: CommandResult },
      },
    },
    async (request, reply) => {
      const device = theirs(request);
      if (device === undefined) return notFound(reply, 'device');
      const outcome = devices.askToRenew?.(device.id);
      if (outcome === 'sent' || outcome === 'queued') return reply.code(202).send({ outcome });
      const detail = 'The device does not listen for commands: it renews by itself, or on the command line.';
      return sendProblem(reply, { status: 409, code: 'not-listening', detail });
    },
  );

  function theirs(request: FastifyRequest): Device | undefined {
    const device = view().device(parseDeviceId((request.params as { readonly id: string }).id) ?? '');
    const worn = device && view().patientAt(device.id, now());
    const wardId = worn && view().place(worn)?.wardId;
    const isTheirs =
      device !== undefined &&
      decisionOn(principalOf(request), { kind: 'device', deviceId: device.id, ...(wardId && { wardId }) }).allowed;
    return isTheirs ? device : undefined;
  }
}

/** Group commit and retries of what had been sent before the connection ended. */
const UNDER_WAY_MS = 10_000;
/** Whoever suspects a key for longer re-enrols the device, and has the record looked through. */
const SINCE_MAX_MS = 400 * DAY_MS;

function problemsOf(
  device: Device,
  asked: Omit<RevokeDevice, 'since'> & { readonly since?: string; readonly sinceMs: number | undefined },
  nowMs: number,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { reason, serial, since, sinceMs } = asked;
  if (reason.length < 3) errors.push({ code: 'invalid-value', field: 'reason', detail: 'at least 3 characters' });
  if (serial !== undefined && !device.certificates.some((each) => each.serial === serial))
    errors.push({ code: 'unknown', field: 'serial', detail: 'no certificate of this device' });
  if (since !== undefined && (sinceMs === undefined || sinceMs > nowMs || sinceMs < nowMs - SINCE_MAX_MS))
    errors.push({
      code: 'invalid-time',
      field: 'since',
      detail: 'a moment of the last 400 days, RFC 3339 with a zone',
    });
  return errors;
}
