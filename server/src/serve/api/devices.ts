import { CommandResult, DeviceList } from '@healthsync/contracts/device';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { parseDeviceId } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { Device } from '../../ports/registry.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { decisionOn, may } from '../caller.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

/** What a small device's memory can be expected to hold; also retained in the registry, which lies in memory whole. */
const MESSAGE_MAX_BYTES = 16 * 1024;

const AnyObject = Type.Object({}, { additionalProperties: true, description: 'Whatever the device’s maker defines.' });

/** Devices: who wears them, whether they are here, and what they are told. */
export function registerDevices(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { view, registry, refreshView, devices, now } = services;

  api.get(
    '/api/devices',
    {
      config: { action: 'device.read' },
      schema: { summary: 'Devices and their certificates', tags: ['devices'], response: { 200: DeviceList } },
    },
    (request) => {
      const principal = principalOf(request);
      return {
        devices: view()
          .snapshot.devices.filter((device) => isVisible(principal, device))
          .map((device) => toShown(principal, device)),
      };
    },
  );

  api.put(
    '/api/devices/:id/config',
    {
      config: { action: 'device.write' },
      bodyLimit: MESSAGE_MAX_BYTES,
      schema: {
        summary: 'Configuration, retained for the device on devices/{id}/config',
        tags: ['devices'],
        params: IdPath,
        body: AnyObject,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const device = visibleDevice(principalOf(request), request.params.id);
      if (device === undefined) return notFound(reply, 'device');
      const config = textOf(request.body);
      if (config === undefined) return tooDeep(reply);
      await registry.putDeviceConfig({ deviceId: device.id, config });
      await refreshView();
      devices.publishConfig(device.id);
      return reply.code(204).send(null);
    },
  );

  api.post(
    '/api/devices/:id/commands',
    {
      config: { action: 'device.write' },
      bodyLimit: MESSAGE_MAX_BYTES,
      schema: {
        summary: 'Send a command on devices/{id}/commands',
        tags: ['devices'],
        params: IdPath,
        body: AnyObject,
        response: { 202: CommandResult },
      },
    },
    async (request, reply) => {
      const device = visibleDevice(principalOf(request), request.params.id);
      if (device === undefined) return notFound(reply, 'device');
      if (Object.keys(request.body).length === 0)
        return invalid(reply, [{ code: 'invalid-value', field: '', detail: 'an empty command says nothing' }]);
      const command = textOf(request.body);
      if (command === undefined) return tooDeep(reply);
      const outcome = devices.sendCommand(device.id, Buffer.from(command));
      switch (outcome) {
        case 'sent':
        case 'queued':
          return reply.code(202).send({ outcome });
        case 'refused-no-subscriber':
          return sendProblem(reply, { status: 409, code: 'not-listening', detail: 'The device does not listen.' });
        case 'refused-queue-full':
          return sendProblem(reply, { status: 503, code: 'queue-full', retryAfterMs: 5_000 });
        case 'refused-too-large':
          return sendProblem(reply, { status: 413, code: 'too-large' });
        default:
          return outcome satisfies never;
      }
    },
  );

  function visibleDevice(principal: Principal, text: string): Device | undefined {
    const device = view().device(parseDeviceId(text) ?? '');
    return device !== undefined && isVisible(principal, device) ? device : undefined;
  }

  function isVisible(principal: Principal, device: Device): boolean {
    const patientId = view().patientAt(device.id, now());
    const wardId = patientId === undefined ? undefined : view().place(patientId)?.wardId;
    return decisionOn(principal, { kind: 'device', deviceId: device.id, ...(wardId !== undefined && { wardId }) })
      .allowed;
  }

  function toShown(principal: Principal, device: Device): DeviceList['devices'][number] {
    const worn = view().patientAt(device.id, now());
    // Who keeps devices running without looking after patients does not learn here who wears them.
    const patientId =
      worn !== undefined && may(principal, 'vitals.read', { kind: 'patient', patientId: worn }) ? worn : undefined;
    return {
      id: device.id,
      ...(device.profile !== undefined && { profile: device.profile }),
      ...(patientId !== undefined && { patientId }),
      presence: devices.presence(device.id),
      certificates: device.certificates.map((each) => ({
        serial: each.serial,
        notBefore: rfc3339(each.notBeforeMs),
        notAfter: rfc3339(each.notAfterMs),
        ...(each.revokedAtMs !== undefined && { revokedAt: rfc3339(each.revokedAtMs) }),
        ...(each.revocationCode !== undefined && { revocationCode: each.revocationCode }),
        ...(each.supersededFromMs !== undefined && { supersededFrom: rfc3339(each.supersededFromMs) }),
      })),
    };
  }
}

/** `JSON.parse` does not recurse and `JSON.stringify` does: what is nested thousands deep can be read, not written. */
function textOf(message: object): string | undefined {
  try {
    return JSON.stringify(message);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function tooDeep(reply: FastifyReply): FastifyReply {
  return invalid(reply, [{ code: 'invalid-value', field: '', detail: 'nested too deeply' }]);
}
