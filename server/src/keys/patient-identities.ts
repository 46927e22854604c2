import type { PatientId } from '../domain/ids.ts';
import type { PatientIdentities, PatientIdentity } from '../ports/patient-identities.ts';
import { blindIndex } from './blind-index.ts';
import { createPatientSeal, subjectOf } from './patient-seal.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** Identities sealed with the data key of their patient; record numbers found again by an index with the house's key. */
export function createPatientIdentities(keys: SubjectKeys): PatientIdentities {
  const texts = createPatientSeal(keys);
  /** The birth date is asked for with every change of the registry: opened once for each sealing. */
  const opened = new Map<PatientId, { readonly sealed: Buffer; readonly identity: PatientIdentity }>();

  const mrnIndex = async (mrn: string): Promise<Uint8Array> =>
    blindIndex(await keys.forSealing(INDEX_SUBJECT), 'patient.mrn', mrn);

  return {
    mrnIndex,
    async seal(patientId, { mrn, familyName, givenName, birthDate, address }, tenant) {
      // Made for the right organisation, where there is none yet.
      await keys.forSealing(subjectOf(patientId), tenant);
      const text = JSON.stringify({
        mrn,
        familyName,
        givenName,
        birthDate,
        address,
      } satisfies Loosely<PatientIdentity>);
      return {
        sealed: await texts.seal(patientId, FIELD, text),
        ...(mrn !== undefined && { mrnIndex: await mrnIndex(mrn) }),
      };
    },
    async open(patientId, sealed) {
      // Also for what is remembered: an erased key must be felt here.
      if ((await keys.forOpening(subjectOf(patientId))) === undefined) return void opened.delete(patientId);
      const known = opened.get(patientId);
      if (known?.sealed.equals(sealed) === true) return known.identity;
      const text = await texts.open(patientId, FIELD, sealed);
      if (text === undefined) return undefined;
      const identity = JSON.parse(text) as PatientIdentity;
      opened.set(patientId, { sealed: Buffer.from(sealed), identity });
      if (opened.size > OPENED_MAX) opened.delete(opened.keys().next().value as PatientId);
      return identity;
    },
  };
}

const FIELD = 'patient.identity';
const INDEX_SUBJECT = 'house:index';
/** Everybody in a large hospital, and who lately went home; about 400 bytes each. */
const OPENED_MAX = 20_000;

type Loosely<T> = { readonly [Key in keyof T]: T[Key] | undefined };
