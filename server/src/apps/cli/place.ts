import type { Command } from 'commander';
import {
  DEFAULT_TENANT,
  parseBedId,
  parseDepartmentId,
  parsePatientId,
  parseWardId,
  type TenantId,
} from '../../domain/ids.ts';
import type { Patient } from '../../ports/registry.ts';
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
import { registerPatientFind } from './patient-find.ts';
import { registerPatientRights } from './patient-rights.ts';
import { namedTenant, tenantOption } from './tenant.ts';

/** `healthsync ward …`, `bed …` and `patient …`: where people lie. */
export function register(program: Command, context: CommandContext): void {
  const wards = program.command('ward').description('wards');
  addCommand<[string], WardOptions>(
    wards,
    { usage: 'put <ward>', description: 'make a ward, or rename it', configure: wardOptions, run: putWard },
    context,
  );
  addCommand<[string], WardOptions>(
    wards,
    { usage: 'add <ward>', description: 'make a new ward', configure: wardOptions, run: addWard },
    context,
  );
  addCommand<[], object>(
    wards,
    { usage: 'list', description: 'wards, with how many beds each has', run: listWards },
    context,
  );
  const beds = program.command('bed').description('beds');
  addCommand<[string], BedOptions>(
    beds,
    { usage: 'put <bed>', description: 'make a bed, or move or rename it', configure: bedOptions, run: putBed },
    context,
  );
  addCommand<[string], BedOptions>(
    beds,
    { usage: 'add <bed>', description: 'make a new bed', configure: bedOptions, run: addBed },
    context,
  );
  addCommand<[], { readonly ward?: string }>(
    beds,
    {
      usage: 'list',
      description: 'beds, and which patient lies there; never names',
      configure: (command) => command.option('--ward <id>', 'only of this ward'),
      run: listBeds,
    },
    context,
  );
  const patients = program.command('patient').description('patients, without anything about their health');
  addCommand<[string], PatientOptions>(
    patients,
    {
      usage: 'put <patient>',
      description: 'make a patient, or change what is named; the rest stays. Names are asked on stdin as JSON',
      configure: (command) =>
        tenantOption(command)
          .option('--bed <id>', 'the bed they lie in; "none" for no bed')
          .option('--spo2-scale <1|2>', 'NEWS2 SpO2 scale; 2 only where a clinician has prescribed 88–92 %')
          .option('--details', 'read {"mrn","familyName","givenName","birthDate","address","sex"} from stdin'),
      run: putPatient,
    },
    context,
  );
  addCommand<[], object>(
    patients,
    { usage: 'list', description: 'ids and beds; never names', run: listPatients },
    context,
  );
  registerPatientFind(patients, context);
  registerPatientRights(patients, context);
}

/** What is there keeps its organisation, and lies with nobody else's. */
function refuseAnotherTenant(
  field: string,
  known: { readonly tenantId?: TenantId },
  named: { readonly tenantId?: TenantId },
): void {
  const { tenantId } = tenantOf(known);
  if (named.tenantId !== undefined && named.tenantId !== tenantId)
    throw new Refusal(`${field}: it belongs to the organisation ${tenantId}`);
}

const tenantOf = ({ tenantId = DEFAULT_TENANT }: { readonly tenantId?: TenantId }) => ({ tenantId });

interface PatientOptions {
  readonly tenant?: string;
  readonly bed?: string;
  readonly spo2Scale?: string;
  readonly details?: boolean;
}

interface WardOptions {
  readonly tenant?: string;
  readonly name?: string;
  readonly department?: string;
}

interface BedOptions {
  readonly ward: string;
  readonly label?: string;
}

function wardOptions(command: Command): Command {
  return tenantOption(command)
    .option('--name <text>', 'what people call it')
    .option('--department <id>', 'the department it belongs to; "none" for none');
}

function bedOptions(command: Command): Command {
  return command.requiredOption('--ward <id>', 'its ward').option('--label <text>', 'what the wall shows');
}

async function addWard(context: CommandContext, options: WardOptions, ward: string): Promise<Answer> {
  return writeWard(context, options, ward, 'new');
}

async function putWard(context: CommandContext, options: WardOptions, ward: string): Promise<Answer> {
  return writeWard(context, options, ward, 'any');
}

async function writeWard(
  context: CommandContext,
  options: WardOptions,
  ward: string,
  which: 'new' | 'any',
): Promise<Answer> {
  const id = required('<ward>', parseWardId(ward), ID_EXPECTED);
  const name = options.name === undefined ? id : label('--name', options.name);
  const { department } = options;
  const asked =
    department === undefined || department === 'none'
      ? undefined
      : required('--department', parseDepartmentId(department), ID_EXPECTED);
  return withData(context, async ({ registry, tenants }) => {
    const known = (await registry.snapshot()).wards.find((each) => each.id === id);
    const owner = await namedTenant({ tenants }, options.tenant);
    if (known !== undefined) refuseAnotherTenant('<ward>', known, owner);
    if (which === 'new' && known !== undefined) throw new Refusal(`<ward>: there is a ward ${id} already`);
    const departmentId = department === undefined ? known?.departmentId : asked;
    await registry.putWard({ id, name, ...(departmentId !== undefined && { departmentId }), ...owner });
    return {
      json: { ward: id, name, department: departmentId ?? null },
      text: `Ward ${id}: ${name}${departmentId === undefined ? '' : `, department ${departmentId}`}`,
    };
  });
}

async function listWards(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ registry }) => {
    const { wards, beds } = await registry.snapshot();
    const shown = wards.map(({ id, name, departmentId }) => ({
      id,
      name,
      department: departmentId ?? null,
      beds: beds.filter(({ wardId }) => wardId === id).length,
    }));
    const lines = shown.map(
      ({ id, name, department, beds: many }) =>
        `${id.padEnd(16)} ${name.padEnd(32)} ${(department ?? '-').padEnd(16)} ${many} beds`,
    );
    return { json: { wards: shown }, text: lines.join('\n') || 'No wards.' };
  });
}

async function listBeds(context: CommandContext, options: { readonly ward?: string }): Promise<Answer> {
  const wardId = options.ward === undefined ? undefined : required('--ward', parseWardId(options.ward), ID_EXPECTED);
  return withExistingData(context, async ({ registry }) => {
    const { wards, beds, patients } = await registry.snapshot();
    if (wardId !== undefined && !wards.some(({ id }) => id === wardId))
      throw new Misuse('--ward', `there is no ward ${wardId}`);
    const shown = beds
      .filter((bed) => wardId === undefined || bed.wardId === wardId)
      .map(({ id, wardId: ward, label: name }) => ({
        id,
        ward,
        label: name,
        patients: patients.flatMap((patient) => (patient.bedId === id ? patient.id : [])),
      }));
    const lines = shown.map(
      ({ id, ward, label: name, patients: there }) =>
        `${id.padEnd(16)} ${ward.padEnd(12)} ${name.padEnd(16)} ${there.join(', ') || '-'}`,
    );
    return { json: { beds: shown }, text: lines.join('\n') || 'No beds.' };
  });
}

async function addBed(context: CommandContext, options: BedOptions, bed: string): Promise<Answer> {
  return writeBed(context, options, bed, 'new');
}

async function putBed(context: CommandContext, options: BedOptions, bed: string): Promise<Answer> {
  return writeBed(context, options, bed, 'any');
}

async function writeBed(
  context: CommandContext,
  options: BedOptions,
  bed: string,
  which: 'new' | 'any',
): Promise<Answer> {
  const id = required('<bed>', parseBedId(bed), ID_EXPECTED);
  const wardId = required('--ward', parseWardId(options.ward), ID_EXPECTED);
  const shown = options.label === undefined ? id : label('--label', options.label);
  return withData(context, async ({ registry }) => {
    const { wards, beds } = await registry.snapshot();
    if (which === 'new' && beds.some((each) => each.id === id))
      throw new Refusal(`<bed>: there is a bed ${id} already`);
    if (!wards.some((each) => each.id === wardId)) throw new Refusal(`--ward: there is no ward ${wardId}`);
    await registry.putBed({ id, wardId, label: shown });
    return { json: { bed: id, ward: wardId, label: shown }, text: `Bed ${id} (${shown}) in ward ${wardId}` };
  });
}

async function putPatient(context: CommandContext, options: PatientOptions, patient: string): Promise<Answer> {
  const id = required('<patient>', parsePatientId(patient), ID_EXPECTED);
  const leaves = options.bed === 'none';
  const bedId =
    options.bed === undefined || leaves ? undefined : required('--bed', parseBedId(options.bed), ID_EXPECTED);
  const details = options.details === true ? parseDetails(await readStdin(context)) : {};
  const scale = options.spo2Scale === undefined ? {} : { spo2Scale: parseScale(options.spo2Scale) };
  return withData(context, async ({ registry, tenants }) => {
    const { beds, wards } = await registry.snapshot();
    if (bedId !== undefined && !beds.some((bed) => bed.id === bedId))
      throw new Refusal(`--bed: there is no bed ${bedId}`);
    const { bedId: bedBefore, ...before } = (await registry.findPatient(id)) ?? { id };
    const bed = leaves ? undefined : (bedId ?? bedBefore);
    const inWard = wards.find((ward) => ward.id === beds.find((each) => each.id === bed)?.wardId);
    const owner = await namedTenant({ tenants }, options.tenant);
    const isKnown = Object.keys(before).length > 1;
    if (isKnown) refuseAnotherTenant('<patient>', before, owner);
    if (inWard !== undefined) refuseAnotherTenant('--bed', inWard, isKnown ? tenantOf(before) : owner);
    await registry.putPatient({ ...owner, ...before, ...details, ...scale, ...(bed !== undefined && { bedId: bed }) });
    return {
      json: { patient: id, bed: bed ?? null },
      text: `Patient ${id}, ${bed === undefined ? 'no bed' : `bed ${bed}`}`,
    };
  });
}

async function listPatients(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ registry }) => {
    const { patients } = await registry.snapshot();
    const shown = patients.map(({ id, wardId, bedId, bed }) => ({
      id,
      ward: wardId ?? null,
      bed: bedId ?? null,
      label: bed ?? null,
    }));
    const lines = shown.map(({ id, ward, label: bed }) => `${id.padEnd(24)} ${(ward ?? '-').padEnd(12)} ${bed ?? '-'}`);
    return { json: { patients: shown }, text: lines.length === 0 ? 'No patients.' : lines.join('\n') };
  });
}

function label(option: string, text: string): string {
  return required(option, /^[^\p{C}]{1,64}$/u.test(text) ? text : undefined, 'expected 1 to 64 printable characters');
}

function parseScale(text: string): 1 | 2 {
  if (text !== '1' && text !== '2') throw new Misuse('--spo2-scale', 'expected 1 or 2');
  return text === '1' ? 1 : 2;
}

/** By stdin, because names in arguments are seen by every user of the machine and stay in the shell's history. */
async function readStdin({ stdin = process.stdin }: CommandContext): Promise<string> {
  let text = '';
  for await (const chunk of stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > STDIN_CHARACTERS_MAX) throw new Misuse('--details', 'expected at most 4096 characters');
  }
  return text;
}

const STDIN_CHARACTERS_MAX = 4096;

const DETAILS = {
  mrn: /^[^\p{C}]{1,64}$/u,
  familyName: /^[^\p{C}]{1,100}$/u,
  givenName: /^[^\p{C}]{1,100}$/u,
  birthDate: /^\d{4}-\d\d-\d\d$/,
  address: /^[^\p{C}]{5,200}$/u,
  sex: /^(female|male|other|unknown)$/,
} as const;

function parseDetails(text: string): Partial<Patient> {
  const value = parseObject(text);
  for (const [field, entry] of Object.entries(value)) {
    const pattern = Object.hasOwn(DETAILS, field) ? DETAILS[field as keyof typeof DETAILS] : undefined;
    if (pattern === undefined) throw new Misuse('--details', `unknown field ${field.slice(0, 32)}`);
    if (typeof entry !== 'string' || !pattern.test(entry)) throw new Misuse('--details', `${field} is not as expected`);
  }
  return value as Partial<Patient>;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Not JSON: said below, in the same words as any other text that is no object.
  }
  throw new Misuse('--details', 'expected a JSON object on stdin');
}
