import { FindPatient, PatientDetail, PatientList, WardList, WardNames } from '@healthsync/contracts/patient';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { type BedId, parsePatientId, parseWardId } from '../../domain/ids.ts';
import { wardNameIn } from '../../identity/registry-view.ts';
import type { Patient, PatientPlace } from '../../ports/registry.ts';
import { principalOf } from '../access-gate.ts';
import { noteAudit } from '../audited.ts';
import { isOpenTo } from '../caller.ts';
import { bedLabel } from '../live/places.ts';
import { toTile } from '../live/tile.ts';
import { notFound, sendProblem } from '../problem.ts';
import { readRuleChain, showNews2 } from '../rule-chain.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { patientsBeside, seesWard, visiblePatient, wardsToShow } from '../ward-scope.ts';
import { limitsShown } from './limits.ts';
import { Id, IdPath } from './parameters.ts';

/** Wards, and who lies in them. The only routes that give names, to those with `patient.read`. */
export function registerPatients(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { mayShow, registry, ruleSets, view, statusOf, devices, now } = services;

  api.get(
    '/api/wards',
    { config: { action: 'wall.watch' }, schema: { summary: 'Wards', tags: ['patients'], response: { 200: WardList } } },
    (request): WardList => {
      const { wards, beds } = view().snapshot;
      const bedsOf = Map.groupBy(beds, (bed) => bed.wardId);
      return {
        wards: wards
          .filter((ward) => seesWard(principalOf(request), ward.id))
          .map(({ tenantId: _, ...ward }) => ({ ...ward, beds: bedsOf.get(ward.id)?.length ?? 0 })),
      };
    },
  );

  api.get(
    '/api/ward-names',
    {
      config: { signedIn: true },
      schema: { summary: 'What wards are called', tags: ['patients'], response: { 200: WardNames } },
    },
    (request): WardNames => ({
      wards: view()
        .snapshot.wards.filter((ward) => seesWard(principalOf(request), ward.id))
        .map(({ id, name }) => ({ id, name })),
    }),
  );

  api.get(
    '/api/patients',
    {
      config: { action: 'patient.read' },
      schema: {
        summary: 'Patients with their names',
        tags: ['patients'],
        querystring: Type.Object({ ward: Type.Optional(Id) }, { additionalProperties: false }),
        response: { 200: PatientList },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const ward = parseWardId(request.query.ward);
      if (ward !== undefined && !seesWard(principal, ward))
        return sendProblem(reply, { status: 403, code: 'other-ward', detail: 'A ward that is not yours.' });
      const wardIds = wardsToShow(principal, ward);
      const found = await registry.patients(wardIds === undefined ? {} : { wardIds });
      const besides = patientsBeside(principal, { wardIds, isNarrowed: ward !== undefined, view: view() });
      const elsewhere = await Promise.all(besides.map((id) => registry.findPatient(id)));
      // Where treatment needs consent. For research and for others no ward is listed at all.
      const shown = [...found, ...elsewhere.filter((patient) => patient !== undefined)].filter(
        ({ id }) => mayShow?.(id) ?? true,
      );
      // Whose names those were is in the plan of that moment: an entry for each would bury what was opened one by one.
      noteAudit(request, { detail: { wards: wardIds?.join(' ') ?? 'all', patients: shown.length } });
      return reply.send({
        patients: shown.map((patient) => {
          const place = view().place(patient.id);
          // Somebody lies in that bed; who it is, those who care for them see.
          const isWithheld = place?.isVip === true && !isOpenTo(principal, patient.id);
          const { id, bedId } = patient;
          return toListed(isWithheld ? { id, ...(bedId !== undefined && { bedId }) } : patient, place, label);
        }),
      });
    },
  );

  api.post(
    '/api/patients/find',
    {
      config: { action: 'patient.read' },
      schema: {
        summary: 'The patient with a record number',
        tags: ['patients'],
        body: FindPatient,
        response: { 200: PatientList },
      },
    },
    async (request, reply) => {
      const found = await registry.patientsByMrn(request.body.mrn);
      const [first] = found;
      // Also where it is not theirs: whom they looked for is what is to be on record.
      if (first !== undefined) noteAudit(request, { patientId: first.id });
      // Of an organisation; two of one number are a slip of whoever writes them down.
      const shown = found.filter(({ id }) => visiblePatient(principalOf(request), view(), id) !== undefined);
      if (shown.length === 0) return notFound(reply, 'patient');
      return reply.send({ patients: shown.map((patient) => toListed(patient, view().place(patient.id), label)) });
    },
  );

  api.get(
    '/api/patients/:id',
    {
      config: { action: 'patient.read' },
      schema: { summary: 'One patient', tags: ['patients'], params: IdPath, response: { 200: PatientDetail } },
    },
    async (request, reply) => {
      const id = parsePatientId(request.params.id);
      const place = id && visiblePatient(principalOf(request), view(), id);
      const patient = place && (await registry.findPatient(place.id));
      if (place === undefined || patient === undefined) return notFound(reply, 'patient');
      const [news2] = await ruleSets.news2Versions(place.id);
      const at = {
        ms: now(),
        isOffline: (deviceId: Parameters<typeof devices.presence>[0]) => devices.presence(deviceId) === 'offline',
      };
      const wardName = wardNameIn(view(), place.wardId);
      const detail: PatientDetail = {
        ...toListed(patient, place, label),
        ...(patient.birthDate !== undefined && { birthDate: patient.birthDate }),
        ...(patient.sex !== undefined && { sex: patient.sex }),
        ...(place.bedId !== undefined && { bedId: place.bedId }),
        ...(wardName !== undefined && { wardName }),
        spo2Scale: place.spo2Scale,
        limits: limitsShown(await readRuleChain(ruleSets, { scope: 'patient', patientId: place.id }, place, now())),
        news2: showNews2(place, news2?.version ?? 0, now()),
        tile: toTile(place, statusOf(place.id), at),
      };
      return reply.send(detail);
    },
  );

  function label(bedId: BedId): string | undefined {
    return bedLabel(view(), bedId);
  }
}

function toListed(
  patient: Patient,
  place: PatientPlace | undefined,
  label: (bedId: BedId) => string | undefined,
): PatientList['patients'][number] {
  const bed = place?.bed ?? (patient.bedId && label(patient.bedId));
  return {
    id: patient.id,
    ...(patient.mrn !== undefined && { mrn: patient.mrn }),
    ...(patient.familyName !== undefined && { familyName: patient.familyName }),
    ...(patient.givenName !== undefined && { givenName: patient.givenName }),
    ...(bed !== undefined && { bed }),
    ...(place?.wardId !== undefined && { wardId: place.wardId }),
    ...(place?.isVip === true && { isVip: true as const }),
  };
}
