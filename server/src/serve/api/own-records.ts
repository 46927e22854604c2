import { OwnRecords as OwnRecordsShape, PutOwnRecords } from '@healthsync/contracts/security-alert';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_TENANT, parsePatientId, parseUserId, type UserId } from '../../domain/ids.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { User } from '../../ports/accounts.ts';
import type { OwnRecord, OwnRecordChange, OwnRecords, RelationIndex } from '../../ports/own-records.ts';
import { principalOf } from '../access-gate.ts';
import { reachesAccount } from '../account-reach.ts';
import { invalid, notFound } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

export interface OwnRecordServices {
  readonly ownRecords: Pick<OwnRecords, 'find' | 'put'>;
  readonly index: RelationIndex;
  readonly mrnIndex: (mrn: string) => Promise<Uint8Array>;
  readonly userById: (id: UserId) => Promise<User | undefined>;
  /** Something was said: it counts from now on. */
  readonly onChange: () => void;
  readonly now: () => number;
}

/** Which patient somebody who works here is, and where they live: said once, kept so that nobody can read it. */
export function registerOwnRecords(app: FastifyInstance, services: OwnRecordServices): void {
  const api = app as unknown as Api;
  const { ownRecords, index, mrnIndex, userById, onChange, now } = services;
  const tags = ['users'];

  api.get(
    '/api/users/:id/own-records',
    {
      config: { action: 'user.read' },
      schema: {
        summary: 'What is known by which somebody’s own record and neighbours would be noticed; not what it says',
        tags,
        params: IdPath,
        response: { 200: OwnRecordsShape },
      },
    },
    async (request, reply) => {
      const user = await reached(request.params.id, principalOf(request));
      return user === undefined ? notFound(reply, 'user') : reply.send(shown(await ownRecords.find(user.id)));
    },
  );

  api.put(
    '/api/users/:id/own-records',
    {
      config: { action: 'user.write' },
      schema: {
        summary: 'Say which patient somebody is and where they live, so that looking these up is noticed',
        tags,
        params: IdPath,
        body: PutOwnRecords,
        response: { 200: OwnRecordsShape },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const user = await reached(request.params.id, principal);
      if (user === undefined) return notFound(reply, 'user');
      const { patientId, mrn, address, familyName } = request.body;
      const parsed = typeof patientId === 'string' ? parsePatientId(patientId) : patientId;
      if (parsed === undefined && patientId !== undefined)
        return invalid(reply, [{ code: 'invalid-value', field: 'patientId', detail: 'is no id of a patient' }]);
      const change: OwnRecordChange = {
        ...(parsed !== undefined && { patientId: parsed }),
        ...(mrn !== undefined && { mrnIndex: mrn && (await mrnIndex(mrn)) }),
        ...(address !== undefined && { addressIndex: address && (await index.of('address', address)) }),
        ...(familyName !== undefined && { familyNameIndex: familyName && (await index.of('familyName', familyName)) }),
      } as OwnRecordChange;
      await ownRecords.put(user.id, change, { by: signatureOf(principal), atMs: now() });
      onChange();
      return reply.send(shown(await ownRecords.find(user.id)));
    },
  );

  /** Another organisation's accounts are not there, nor those that reach further than whoever asks. */
  async function reached(id: string, principal: Principal): Promise<User | undefined> {
    const userId = parseUserId(id);
    const user = userId && (await userById(userId));
    const isOurs = user !== undefined && (user.tenantId ?? DEFAULT_TENANT) === principal.tenantId;
    return isOurs && reachesAccount(principal, user.wardIds) ? user : undefined;
  }
}

function shown(record: OwnRecord | undefined): OwnRecordsShape {
  const { patientId, mrnIndex, addressIndex, familyNameIndex } = record ?? {};
  return {
    ...(patientId !== undefined && { patientId }),
    has: [
      ...(mrnIndex === undefined ? [] : ['mrn' as const]),
      ...(addressIndex === undefined ? [] : ['address' as const]),
      ...(familyNameIndex === undefined ? [] : ['familyName' as const]),
    ],
  };
}
