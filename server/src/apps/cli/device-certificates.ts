import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { PostgresDeviceCertificates } from '../../adapters/postgres/device-certificates.ts';
import {
  DEFAULT_TENANT,
  type DeviceId,
  type PatientId,
  parseBedId,
  parseDeviceId,
  parsePatientId,
  parseWardId,
} from '../../domain/ids.ts';
import { assignDevice, bedFor, ensurePatient } from '../../identity/enrollment.ts';
import { writePrivateFile } from '../../identity/private-files.ts';
import type { DeviceCertificate } from '../../ports/registry.ts';
import type { OpenData } from '../open-data.ts';
import type { Settings } from '../settings.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withData,
  withExistingData,
} from './command.ts';

/** `device enroll`, `renew` and `revoke`: the certificates devices sign in with. */
export function registerDeviceCertificates(devices: Command, context: CommandContext): void {
  addCommand<[string], EnrollOptions>(
    devices,
    {
      usage: 'enroll <device>',
      description: 'issue a device its certificate and say who wears it',
      configure: (command) =>
        command
          .requiredOption('--patient <id>', 'who wears it; made where there is no such patient')
          .option('--bed <id>', 'put the patient into this bed')
          .option('--ward <id>', 'the ward of that bed; bed and ward are made where they are missing')
          .option('--profile <name>', 'the mapping profile of a vendor’s own payload')
          .option('--csr <file>', 'sign this PKCS#10 request (PEM or DER) instead of making a key')
          .requiredOption('--out <folder>', 'where ca.pem, cert.pem and key.pem are written'),
      run: enroll,
    },
    context,
  );
  addCommand<[string], { readonly out: string; readonly csr?: string }>(
    devices,
    {
      usage: 'renew <device>',
      description: 'issue a further certificate; the old ones stay valid until they end or are revoked',
      configure: (command) =>
        command
          .option('--csr <file>', 'sign this PKCS#10 request (PEM or DER) instead of making a key')
          .requiredOption('--out <folder>', 'where ca.pem, cert.pem and key.pem are written'),
      run: renew,
    },
    context,
  );
  addCommand<[string], RevokeOptions>(
    devices,
    {
      usage: 'revoke <device>',
      description: 'revoke its certificates and tokens; open connections end within 5 s',
      configure: (command) =>
        command
          .option('--serial <hex>', 'only the certificate with this serial number')
          .option('--reason <text>', 'why, for the record', 'revoked on the command line')
          .option('--code <name>', 'keyCompromise, superseded, cessationOfOperation or unspecified (RFC 5280)')
          .option('--since <time>', 'RFC 3339: what was received from it since then is shown as doubtful'),
      run: revoke,
    },
    context,
  );
}

interface EnrollOptions {
  readonly patient: string;
  readonly bed?: string;
  readonly ward?: string;
  readonly profile?: string;
  readonly csr?: string;
  readonly out: string;
}

async function enroll(context: CommandContext, options: EnrollOptions, device: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const patientId = required('--patient', parsePatientId(options.patient), ID_EXPECTED);
  const bedId = options.bed === undefined ? undefined : required('--bed', parseBedId(options.bed), ID_EXPECTED);
  const wardId = options.ward === undefined ? undefined : required('--ward', parseWardId(options.ward), ID_EXPECTED);
  if (wardId !== undefined && bedId === undefined) throw new Misuse('--ward', 'needs --bed');
  const request = await readRequest(options.csr);

  return withData(context, async (data) => {
    const nowMs = context.now();
    const place = await bedFor(data.registry, { ...(bedId && { bedId }), ...(wardId && { wardId }) });
    if (place.kind === 'unknown-bed') throw new Misuse('--bed', 'no such bed; name its --ward to make it');
    if (place.kind === 'other-ward') throw new Misuse('--ward', `the bed is in ward ${place.wardId}`);
    const known = (await data.registry.devices()).find((each) => each.id === deviceId);
    const profile = options.profile ?? known?.profile;
    await refuseIfWornByAnother(data, deviceId, patientId);
    // The patient first, the certificate last: what is left of a run that failed half-way does no harm.
    await ensurePatient(data.registry, patientId, place.bedId);
    if (known === undefined || profile !== known.profile)
      await data.registry.putDevice({
        id: deviceId,
        createdAtMs: nowMs,
        ...(profile !== undefined && { profile }),
        ...(known === undefined && (await tenantOfPatient(data, patientId))),
      });
    const assigned = await assignDevice(data.registry, { deviceId, patientId, nowMs, takeOver: false });
    if (assigned.kind === 'worn-by-another') throw wornBy(assigned.patientId, deviceId);
    if (assigned.kind === 'other-tenant') throw ofAnotherTenant(deviceId);
    const issued = await issue(data, {
      deviceId,
      request,
      out: options.out,
      settings: context.settings(),
      now: context.now,
    });
    const from = new Date(assigned.fromMs).toISOString();
    return {
      json: { device: deviceId, patient: patientId, assignedFrom: from, ...issued.json },
      text: `${deviceId} is enrolled for patient ${patientId}, from ${from} on.\n${issued.text}`,
    };
  });
}

/** Asked before anything is changed; `assignDevice` asks again. */
async function refuseIfWornByAnother({ registry }: OpenData, deviceId: DeviceId, patientId: PatientId): Promise<void> {
  const { assignments } = await registry.snapshot();
  const open = assignments.find((each) => each.deviceId === deviceId && each.toMs === undefined);
  if (open !== undefined && open.patientId !== patientId) throw wornBy(open.patientId, deviceId);
}

/** A new device is of the organisation of whoever wears it first. */
async function tenantOfPatient({ registry }: OpenData, patientId: PatientId) {
  const tenantId = (await registry.snapshot()).patients.find(({ id }) => id === patientId)?.tenantId;
  return tenantId === undefined ? {} : { tenantId };
}

const ofAnotherTenant = (deviceId: DeviceId): Refusal =>
  new Refusal(`--patient: ${deviceId} belongs to another organisation`);

const wornBy = (patientId: PatientId, deviceId: DeviceId): Refusal =>
  new Refusal(`--patient: ${patientId} wears ${deviceId}; use "device assign" to give it to another`);

async function renew(
  context: CommandContext,
  options: { readonly out: string; readonly csr?: string },
  device: string,
): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const request = await readRequest(options.csr);
  return withExistingData(context, async (data) => {
    await knownDevice(data, deviceId);
    const issued = await issue(data, {
      deviceId,
      request,
      out: options.out,
      settings: context.settings(),
      now: context.now,
    });
    return { json: { device: deviceId, ...issued.json }, text: `${deviceId} has a new certificate.\n${issued.text}` };
  });
}

interface RevokeOptions {
  readonly serial?: string;
  readonly reason: string;
  readonly code?: string;
  readonly since?: string;
}

/** What was under way when it was cut off arrives within seconds. */
const UNDER_WAY_MS = 10_000;

async function revoke(context: CommandContext, options: RevokeOptions, device: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const serial = options.serial?.replaceAll(':', '').toUpperCase();
  const { reason } = options;
  const code =
    options.code === undefined
      ? undefined
      : required(
          '--code',
          CODES.find((one) => one === options.code),
          `expected one of ${CODES.join(', ')}`,
        );
  const sinceMs = options.since === undefined ? undefined : parseTime('--since', options.since, context.now());
  return withExistingData(context, async ({ registry, database }) => {
    const known = await knownDevice({ registry }, deviceId);
    if (serial !== undefined && !known.certificates.some((each) => each.serial === serial))
      throw new Refusal(`--serial: ${deviceId} has no certificate with that number; "device list" shows them`);
    const atMs = context.now();
    const revoked = await registry.revoke({
      deviceId,
      atMs,
      reason,
      ...(serial !== undefined && { serial }),
      ...(code !== undefined && { code }),
      ...(sinceMs !== undefined && { invalidFromMs: sinceMs }),
    });
    if (sinceMs !== undefined)
      await new PostgresDeviceCertificates(database).doubt({
        id: randomUUID(),
        tenantId: DEFAULT_TENANT,
        deviceId,
        receivedFromMs: sinceMs,
        receivedUntilMs: atMs + UNDER_WAY_MS,
        reason,
        declaredBy: 'command line',
        declaredAtMs: atMs,
      });
    const doubtfulFrom = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
    return {
      json: { device: deviceId, revoked, ...(doubtfulFrom !== undefined && { doubtfulFrom }) },
      text: `${deviceId}: ${revoked} revoked.${doubtfulFrom === undefined ? '' : ` What it sent since ${doubtfulFrom} is shown as doubtful.`}`,
    };
  });
}

const CODES = ['keyCompromise', 'superseded', 'cessationOfOperation', 'unspecified'] as const;

/** A moment with its zone, and not one to come: the future is for nobody to promise. */
export function parseTime(option: string, text: string, nowMs: number): number {
  const isWhole = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const atMs = isWhole ? Date.parse(text) : Number.NaN;
  const expected = 'expected a time with its zone that is not in the future, such as 2026-11-22T01:02:03Z';
  return required(option, atMs <= nowMs ? atMs : undefined, expected);
}

export async function knownDevice({ registry }: Pick<OpenData, 'registry'>, deviceId: DeviceId) {
  const known = (await registry.devices()).find((each) => each.id === deviceId);
  if (known === undefined) throw new Refusal(`<device>: there is no device ${deviceId}; "device enroll" makes one`);
  return known;
}

/** Issues, records, and only then hands out: a certificate the registry does not know is refused at the door. */
async function issue(
  data: OpenData,
  request: {
    readonly deviceId: DeviceId;
    readonly request: Uint8Array | undefined;
    readonly out: string;
    readonly settings: Settings;
    readonly now: () => number;
  },
) {
  // As late as the database.
  const { createDeviceAuthority } = await import('../../identity/device-authority.ts');
  const { certificateTerms } = await import('../certificate-terms.ts');
  const authorities = await data.authorities();
  const authority = createDeviceAuthority(
    authorities.devices,
    request.now,
    certificateTerms(request.settings, authorities),
  );
  const out = resolve(request.out);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const files = new Map([['ca.pem', authorities.servers.certificatePem]]);
  let record: DeviceCertificate;
  if (request.request === undefined) {
    const issued = await authority.issue(request.deviceId);
    files.set('cert.pem', issued.certificatePem).set('key.pem', issued.keyPem);
    record = issued.record;
  } else {
    const issued = await authority.issueFor(request.deviceId, textOrDer(request.request));
    if (issued.kind === 'refused') throw new Misuse('--csr', issued.detail);
    files.set('cert.pem', issued.certificatePem);
    record = issued.record;
  }
  await data.registry.addCertificate(record);
  for (const [name, text] of files) await writePrivateFile(join(out, name), text);
  const notAfter = new Date(record.notAfterMs).toISOString();
  const written = [...files.keys()].map((name) => join(out, name));
  return {
    json: { serial: record.serial, notAfter, files: written },
    text: `Certificate ${record.serial}, valid until ${notAfter}:\n${written.map((path) => `  ${path}`).join('\n')}`,
  };
}

async function readRequest(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new Misuse('--csr', `the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const textOrDer = (bytes: Uint8Array): string | Uint8Array =>
  bytes[0] === 0x30 ? bytes : Buffer.from(bytes).toString('latin1'); // 0x30: a DER sequence
