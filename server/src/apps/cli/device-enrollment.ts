import { X509Certificate } from 'node:crypto';
import type { Command } from 'commander';
import { DEFAULT_TENANT, parseDeviceId, parsePatientId } from '../../domain/ids.ts';
import type { DecideOutcome, Decider, EnrollmentDesk } from '../../identity/device-enrollment.ts';
import type { Enrollment } from '../../ports/device-enrollments.ts';
import type { OpenData } from '../open-data.ts';
import type { Settings } from '../settings.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  count,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withData,
  withExistingData,
} from './command.ts';

/** `device invite`, `waiting`, `approve` and `refuse`: devices that come in by themselves. */
export function registerDeviceEnrollment(devices: Command, context: CommandContext): void {
  addCommand<[string], InviteOptions>(
    devices,
    {
      usage: 'invite <device>',
      description: 'make a code with which a device may ask for its certificate, once',
      configure: (command) =>
        command
          .option('--patient <id>', 'who wears it from the moment it is let in')
          .option('--profile <name>', 'the mapping profile of a vendor’s own payload')
          .option('--hours <n>', 'how long the code is good, up to 72', '24'),
      run: invite,
    },
    context,
  );
  addCommand<[], object>(
    devices,
    { usage: 'waiting', description: 'devices on their way in, and the fingerprints of their keys', run: waiting },
    context,
  );
  addCommand<[string], { readonly fingerprint: string }>(
    devices,
    {
      usage: 'approve <id>',
      description: 'let a device in that waits',
      configure: (command) =>
        command.requiredOption('--fingerprint <sha256>', 'of its key, as the device itself shows it'),
      run: approve,
    },
    context,
  );
  addCommand<[string], { readonly reason: string }>(
    devices,
    {
      usage: 'refuse <id>',
      description: 'refuse a device that waits, or take back a code that was not used',
      configure: (command) => command.requiredOption('--reason <text>', 'why, for the record'),
      run: refuse,
    },
    context,
  );
}

interface InviteOptions {
  readonly patient?: string;
  readonly profile?: string;
  readonly hours: string;
}

async function invite(context: CommandContext, options: InviteOptions, device: string): Promise<Answer> {
  const deviceId = required('<device>', parseDeviceId(device), ID_EXPECTED);
  const patientId =
    options.patient === undefined ? undefined : required('--patient', parsePatientId(options.patient), ID_EXPECTED);
  const hours = count('--hours', options.hours, 72);
  return withData(context, async (data) => {
    if (patientId !== undefined && (await data.registry.findPatient(patientId)) === undefined)
      throw new Refusal(`--patient: there is no patient ${patientId}`);
    const settings = context.settings();
    const { desk, fingerprint, server } = await openDesk(data, settings, context.now);
    const { profile } = options;
    const outcome = await desk.invite({
      deviceId,
      hours,
      by: shell(),
      ...(profile !== undefined && { profile }),
      ...(patientId !== undefined && { patientId }),
    });
    if (outcome.kind === 'taken') throw new Refusal('<device>: another organisation has a device of that name');
    const { enrollment, code } = outcome;
    const expiresAt = new Date(enrollment.expiresAtMs).toISOString();
    const text = [
      `Code for ${deviceId}, good once, until ${expiresAt}:`,
      `  ${code}`,
      `Server: ${server}`,
      'It knows the server by the SHA-256 fingerprint of its authority:',
      `  ${fingerprint}`,
      'When it has asked, "device waiting" shows the fingerprint of its key: compare it with the device’s own display.',
    ].join('\n');
    return {
      json: { id: enrollment.id, device: deviceId, code, expiresAt, server, authorityFingerprint: fingerprint },
      text,
    };
  });
}

async function waiting(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const { desk } = await openDesk(data, context.settings(), context.now);
    const { colonHex } = await import('../../identity/device-authority.ts');
    const open = (await desk.list(DEFAULT_TENANT)).filter(
      ({ state, expiresAtMs }) => (state === 'invited' || state === 'waiting') && expiresAtMs > context.now(),
    );
    const shown = open.map(({ id, deviceId, state, expiresAtMs, request, invitedBy }) => ({
      id,
      device: deviceId,
      state,
      invitedBy,
      expiresAt: new Date(expiresAtMs).toISOString(),
      ...(request !== undefined && {
        keyFingerprint: colonHex(request.keyFingerprint),
        address: request.address,
        ...request.stated,
      }),
    }));
    const lines = shown.flatMap((one) => [
      `${one.id}  ${one.device}  ${one.state === 'waiting' ? `waits; it came from ${one.address}` : `code until ${one.expiresAt}`}`,
      ...('keyFingerprint' in one ? [`  ${one.keyFingerprint}`] : []),
    ]);
    return { json: { enrollments: shown }, text: lines.length === 0 ? 'None.' : lines.join('\n') };
  });
}

async function approve(
  context: CommandContext,
  options: { readonly fingerprint: string },
  id: string,
): Promise<Answer> {
  const hex = options.fingerprint.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex))
    throw new Misuse('--fingerprint', 'expected 32 bytes in hex, with or without colons');
  return withExistingData(context, async (data) => {
    const { desk } = await openDesk(data, context.settings(), context.now);
    const { deviceId, serial } = decided(await desk.approve(id, hex, shell()));
    return { json: { device: deviceId, serial }, text: `${deviceId} is let in: it fetches its certificate by itself.` };
  });
}

async function refuse(context: CommandContext, options: { readonly reason: string }, id: string): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const { desk } = await openDesk(data, context.settings(), context.now);
    const { deviceId, state } = decided(await desk.refuse(id, options.reason, shell()));
    return { json: { device: deviceId, state }, text: `${deviceId}: ${state}.` };
  });
}

function decided(outcome: DecideOutcome): Enrollment {
  switch (outcome.kind) {
    case 'done':
      return outcome.enrollment;
    case 'not-found':
      throw new Refusal('<id>: there is no such enrollment; "device waiting" shows them');
    case 'decided-already':
      throw new Refusal(`<id>: it is ${outcome.state} already`);
    case 'other-key':
      throw new Refusal('--fingerprint: what waits has another one: do not let it in');
    case 'another-person':
      throw new Refusal('somebody else than who made the code lets the device in (HEALTHSYNC_DEVICE_APPROVAL)');
    case 'key-in-use':
      throw new Refusal('another device has this key, or it was withdrawn: refuse it');
    case 'taken':
      throw new Refusal('another organisation has a device of that name');
    case 'worn-by-another':
      throw new Refusal('another patient wears this device; "device unassign" takes it off them');
    default:
      return outcome satisfies never;
  }
}

/** Whoever has a shell here; the audit log has their account. */
function shell(): Decider {
  return { name: 'command line', tenantId: DEFAULT_TENANT };
}

export async function openDesk(
  data: OpenData,
  settings: Settings,
  now: () => number,
): Promise<{ readonly desk: EnrollmentDesk; readonly fingerprint: string; readonly server: string }> {
  // As late as the database.
  const [{ openEnrollmentDesk }, enrollments, certificates, { ownAddress }, authorities] = await Promise.all([
    import('../open-devices.ts'),
    import('../../adapters/postgres/device-enrollments.ts'),
    import('../../adapters/postgres/device-certificates.ts'),
    import('../certificate-terms.ts'),
    data.authorities(),
  ]);
  return {
    desk: openEnrollmentDesk({
      settings,
      authorities: () => authorities,
      now,
      enrollments: new enrollments.PostgresDeviceEnrollments(data.database),
      certificates: new certificates.PostgresDeviceCertificates(data.database),
      registry: data.registry,
    }),
    fingerprint: new X509Certificate(authorities.servers.certificatePem).fingerprint256,
    server: `${ownAddress(settings, settings.httpsPort)}/.well-known/est`,
  };
}
