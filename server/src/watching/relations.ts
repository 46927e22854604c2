import type { Relation } from '../domain/anomaly-sight.ts';
import type { PatientId, UserId } from '../domain/ids.ts';
import type { User } from '../ports/accounts.ts';
import type { OwnRecords, RelationIndex } from '../ports/own-records.ts';
import type { PatientIdentities } from '../ports/patient-identities.ts';
import type { Patient } from '../ports/registry.ts';

/** What people who work here are to patients outside of work. */
export interface Relations {
  of(userId: UserId, patientId: PatientId): Relation | undefined;
  /** Reads patients and people anew. */
  refresh(users: readonly User[]): Promise<void>;
}

/**
 * Compared by blind indexes, in memory: what is held here cannot be read back, and neither names nor addresses of staff
 * are stored anywhere. Some 200 bytes for each patient.
 */
export function createRelations(parts: {
  readonly patients: () => Promise<readonly Patient[]>;
  readonly ownRecords: Pick<OwnRecords, 'all'>;
  readonly index: RelationIndex;
  readonly mrnIndex: PatientIdentities['mrnIndex'];
}): Relations {
  const { index } = parts;
  let patients = new Map<PatientId, Indexes>();
  let namesakes = new Map<string, number>();
  let people = new Map<UserId, Indexes & { readonly patientId?: PatientId }>();

  async function indexesOf({ mrn, familyName, address }: Patient): Promise<Indexes> {
    return {
      ...(mrn !== undefined && { mrn: textOf(await parts.mrnIndex(mrn)) }),
      ...(familyName !== undefined && { familyName: textOf(await index.of('familyName', familyName)) }),
      ...(address !== undefined && { address: textOf(await index.of('address', address)) }),
    };
  }

  return {
    of(userId, patientId) {
      const person = people.get(userId);
      if (person === undefined) return undefined;
      const patient = patients.get(patientId);
      if (person.patientId === patientId || isSame(person.mrn, patient?.mrn)) return { kind: 'own' };
      if (isSame(person.address, patient?.address)) return { kind: 'same-address' };
      if (!isSame(person.familyName, patient?.familyName)) return undefined;
      return { kind: 'same-family-name', patients: namesakes.get(person.familyName ?? '') ?? 1 };
    },
    async refresh(users) {
      const own = await parts.ownRecords.all();
      const found = new Map<PatientId, Indexes>();
      const counts = new Map<string, number>();
      for (const patient of await parts.patients()) {
        const indexes = await indexesOf(patient);
        found.set(patient.id, indexes);
        const { familyName } = indexes;
        if (familyName !== undefined) counts.set(familyName, (counts.get(familyName) ?? 0) + 1);
      }
      const staff = new Map<UserId, Indexes & { readonly patientId?: PatientId }>();
      for (const { id, displayName } of users) {
        const { patientId, mrnIndex, addressIndex, familyNameIndex } = own.get(id) ?? {};
        const name = familyNameIndex ?? (await indexOfLastName(displayName));
        staff.set(id, {
          ...(patientId !== undefined && { patientId }),
          ...(mrnIndex !== undefined && { mrn: textOf(mrnIndex) }),
          ...(addressIndex !== undefined && { address: textOf(addressIndex) }),
          ...(name !== undefined && { familyName: textOf(name) }),
        });
      }
      [patients, namesakes, people] = [found, counts, staff];
    },
  };

  /** `Dr. Anna Weber`: where nobody has said what the family name is, it stands last. One word alone is no name. */
  async function indexOfLastName(displayName: string): Promise<Uint8Array | undefined> {
    const words = displayName.trim().split(/\s+/);
    const last = words.length > 1 ? words.at(-1) : undefined;
    return last === undefined ? undefined : await index.of('familyName', last);
  }
}

interface Indexes {
  readonly mrn?: string;
  readonly familyName?: string;
  readonly address?: string;
}

const textOf = (index: Uint8Array): string => Buffer.from(index).toString('base64');
const isSame = (a: string | undefined, b: string | undefined): boolean => a !== undefined && a === b;
