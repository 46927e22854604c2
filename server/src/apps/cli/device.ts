import type { Command } from 'commander';
import { parseDeviceId, parsePatientId } from '../../domain/ids.ts';
import { assignDevice, ensurePatient } from '../../identity/enrollment.ts';
import { newSecret, sha256Of } from '../../identity/secrets.ts';
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
import { registerDeviceAuthorities } from './device-authorities.ts';
import { knownDevice, parseTime, registerDeviceCertificates } from './device-certificates.ts';
import { registerDeviceDrill } from './device-drill.ts';
import { registerDeviceEnrollment } from './device-enrollment.ts';

/** `healthsync device …` */
export function register(program: Command, context: CommandContext): void {
  const devices = program.command('device').description('devices, their certificates, and who wears them');
  registerDeviceEnrollment(devices, context);
  registerDeviceCertificates(devices, context);
  registerDeviceAuthorities(devices, context);
  registerDeviceDrill(devices, context);
  addCommand<[], object>(
    devices,
    { usage: 'list', description: 'all devices, who wears them, and their valid certificates', run: list },
    context,
  );
  addCommand<[string], { readonly days: string }>(
    devices,
    {
      usage: 'token <device>',
      description: 'make a token for a device that can only speak HTTPS',
      configure: (command) => command.option('--days <n>', 'how long it is valid, up to 366', '90'),
      run: token,
    },
    context,
  );
  addCommand<[string], { readonly patient: string; readonly from?: string }>(
    devices,
    {
      usage: 'assign <device>',
      description: 'give it to a patient; whoever wore it, wore it until then',
      configure: (command) =>
        command
          .requiredOption('--patient <id>', 'who wears it; made where there is no such patient')
          .option('--from <time>', 'since when, RFC 3339; now without it'),
      run: assign,
    },
    context,
  );
  addCommand<[string], object>(
    devices,
    { usage: 'unassign <device>', description: 'nobody wears it from now on', run: unassign },
    context,
  );
  addCommand<[string, string], object>(
    devices,
    {
      usage: 'config <device> <json>',
      description: 'what it gets on devices/<device>/config, retained',
      run: config,
    },
    context,
  );
}

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ registry }) => {
    const { renewalOf } = await import('../../identity/device-renewal.ts');
    const nowMs = context.now();
    const { devices, assignments } = await registry.snapshot();
    const shown = devices.map((device) => ({
      id: device.id,
      ...(device.profile !== undefined && { profile: device.profile }),
      patient: assignments.find((each) => each.deviceId === device.id && each.toMs === undefined)?.patientId ?? null,
      certificates: device.certificates
        .filter((each) => each.revokedAtMs === undefined && each.notAfterMs > nowMs)
        .map((each) => ({
          serial: each.serial,
          notAfter: new Date(each.notAfterMs).toISOString(),
          ...(renewalOf(each).overdueMs <= nowMs && { endsSoon: true }),
        })),
    }));
    const lines = shown.map(({ id, patient, certificates }) => {
      const last = certificates.toSorted((a, b) => (a.notAfter < b.notAfter ? -1 : 1)).at(-1);
      const until = last === undefined ? 'no certificate' : `until ${last.notAfter.slice(0, 16)}Z`;
      const notice = last?.endsSoon === true ? ', and it has not renewed' : '';
      return `${id.padEnd(24)} ${(patient ?? '-').padEnd(24)} ${until}${notice}`;
    });
    return { json: { devices: shown }, text: lines.length === 0 ? 'No devices.' : lines.join('\n') };
  });
}

async function token(context: CommandContext, options: { readonly days: string }, device: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const days = parseDays('--days', options.days);
  return withExistingData(context, async (data) => {
    await knownDevice(data, deviceId);
    const secret = newSecret('device');
    const createdAtMs = context.now();
    const expiresAtMs = createdAtMs + days * 86_400_000;
    await data.registry.addDeviceToken({ deviceId, sha256: sha256Of(secret), createdAtMs, expiresAtMs });
    return { json: { device: deviceId, token: secret, expiresAt: new Date(expiresAtMs).toISOString() }, text: secret };
  });
}

async function assign(
  context: CommandContext,
  options: { readonly patient: string; readonly from?: string },
  device: string,
): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const patientId = required('--patient', parsePatientId(options.patient), ID_EXPECTED);
  const fromMs = options.from === undefined ? undefined : parseTime('--from', options.from, context.now());
  return withData(context, async (data) => {
    await knownDevice(data, deviceId);
    await ensurePatient(data.registry, patientId, undefined);
    const nowMs = context.now();
    const request = { deviceId, patientId, nowMs, takeOver: true, ...(fromMs !== undefined && { fromMs }) };
    const assigned = await assignDevice(data.registry, request);
    if (assigned.kind === 'worn-by-another') throw new Refusal(`${assigned.patientId} wears it`);
    if (assigned.kind === 'other-tenant') throw new Refusal('<device>: it belongs to another organisation');
    const from = new Date(assigned.fromMs).toISOString();
    return {
      json: { device: deviceId, patient: patientId, from },
      text: `${patientId} wears ${deviceId} from ${from} on.`,
    };
  });
}

async function unassign(context: CommandContext, _: object, device: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  return withExistingData(context, async (data) => {
    await knownDevice(data, deviceId);
    const atMs = context.now();
    await data.registry.unassign({ deviceId, atMs });
    const until = new Date(atMs).toISOString();
    return { json: { device: deviceId, until }, text: `Nobody wears ${deviceId} from ${until} on.` };
  });
}

async function config(context: CommandContext, _: object, device: string, json: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  if (!isJson(json) || json.length > CONFIG_CHARACTERS_MAX)
    throw new Misuse('<json>', `expected JSON of at most ${CONFIG_CHARACTERS_MAX} characters`);
  return withExistingData(context, async (data) => {
    await knownDevice(data, deviceId);
    await data.registry.putDeviceConfig({ deviceId, config: json });
    return { json: { device: deviceId }, text: `${deviceId} has a new configuration.` };
  });
}

/** Held in memory for every device, and sent in one packet. */
const CONFIG_CHARACTERS_MAX = 8192;

export function parseDays(option: string, text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return required(option, days >= 1 && days <= 366 ? days : undefined, 'expected a whole number from 1 to 366');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
