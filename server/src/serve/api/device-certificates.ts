import { RevokeDevice, Revoked } from '@healthsync/contracts/device';
import type { FastifyInstance } from 'fastify';
import { parseDeviceId } from '../../domain/ids.ts';
import { principalOf } from '../access-gate.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn } from '../caller.ts';
import { invalid, notFound } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

/** Taking a device's certificates away: a lost or stolen one must not wait for somebody at a command line. */
export function registerDeviceCertificates(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { view, registry, refreshView, now } = services;

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
      const device = view().device(parseDeviceId(request.params.id) ?? '');
      const worn = device && view().patientAt(device.id, now());
      const wardId = worn && view().place(worn)?.wardId;
      const isTheirs =
        device !== undefined &&
        decisionOn(principalOf(request), { kind: 'device', deviceId: device.id, ...(wardId && { wardId }) }).allowed;
      if (!isTheirs) return notFound(reply, 'device');
      const { serial } = request.body;
      const reason = request.body.reason.trim();
      if (reason.length < 3)
        return invalid(reply, [{ code: 'invalid-value', field: 'reason', detail: 'at least 3 characters' }]);
      if (serial !== undefined && !device.certificates.some((each) => each.serial === serial))
        return invalid(reply, [{ code: 'unknown', field: 'serial', detail: 'no certificate of this device' }]);
      const revoked = await registry.revoke({
        deviceId: device.id,
        atMs: now(),
        reason,
        ...(serial !== undefined && { serial }),
      });
      noteAudit(request, { detail: { revoked, ...(serial !== undefined && { serial }) } });
      // Its connections end now, not with the next notice.
      await refreshView();
      return reply.send({ revoked });
    },
  );
}
