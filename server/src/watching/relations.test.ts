import { describe, expect, it } from 'vitest';
import type { PatientId, UserId } from '../domain/ids.ts';
import { postalLine } from '../domain/postal-line.ts';
import { blindIndex } from '../keys/blind-index.ts';
import type { User } from '../ports/accounts.ts';
import type { OwnRecord } from '../ports/own-records.ts';
import type { Patient } from '../ports/registry.ts';
import { createRelations } from './relations.ts';

const KEY = Buffer.alloc(32, 7);
const index = {
  of: async (field: 'address' | 'familyName', text: string) =>
    blindIndex(KEY, `relation.${field}`, field === 'address' ? postalLine(text) : text),
};
const mrnIndex = async (mrn: string) => blindIndex(KEY, 'patient.mrn', mrn);
const user = (name: string, displayName: string): User => ({
  id: `u-${name}` as UserId,
  name,
  displayName,
  roles: [],
  wardIds: [],
});

async function relations(patients: readonly Partial<Patient>[], own: readonly (readonly [string, OwnRecord])[] = []) {
  const found = createRelations({
    patients: async () => patients as Patient[],
    ownRecords: { all: async () => new Map(own as [UserId, OwnRecord][]) },
    index,
    mrnIndex,
  });
  await found.refresh([user('nora', 'Nora Žižková'), user('it', 'Administrator')]);
  return (name: string, patientId: string) => found.of(`u-${name}` as UserId, patientId as PatientId);
}

describe('what somebody is to a patient', () => {
  it('is themselves, by the id that was said or by the record number, however it is written', async () => {
    const of = await relations(
      [{ id: 'P1' as PatientId }, { id: 'P2' as PatientId, mrn: 'AB-4711' }],
      [['u-nora', { patientId: 'P1' as PatientId, mrnIndex: await mrnIndex('ab 4711') }]],
    );
    expect([of('nora', 'P1'), of('nora', 'P2'), of('it', 'P1')]).toEqual([{ kind: 'own' }, { kind: 'own' }, undefined]);
  });

  it('is a neighbour by the address, which nobody can read here', async () => {
    const own = { addressIndex: await index.of('address', 'Hauptstr. 5, 1010 Wien') };
    const of = await relations(
      [{ id: 'P1' as PatientId, address: 'Hauptstraße 5 1010 Wien', familyName: 'Other' }],
      [['u-nora', own]],
    );
    expect(of('nora', 'P1')).toEqual({ kind: 'same-address' });
    expect(Buffer.from(own.addressIndex).toString()).not.toContain('Haupt');
  });

  it('bears the same name, by the last word of the display name, with how many patients do', async () => {
    const of = await relations([
      { id: 'P1' as PatientId, familyName: 'ZIZKOVA' },
      { id: 'P2' as PatientId, familyName: 'Žižková' },
      { id: 'P3' as PatientId, familyName: 'Administrator' },
    ]);
    expect(of('nora', 'P1')).toEqual({ kind: 'same-family-name', patients: 2 });
    // One word is what somebody does, not what they are called.
    expect(of('it', 'P3')).toBeUndefined();
  });

  it('is nothing to whoever nobody knows of', async () => {
    const of = await relations([{ id: 'P1' as PatientId, familyName: 'Žižková' }]);
    expect([of('stranger', 'P1'), of('nora', 'P9')]).toEqual([undefined, undefined]);
  });
});
