import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PostgresDeviceCertificates } from '../../adapters/postgres/device-certificates.ts';
import { registryView } from '../../identity/registry-view.ts';
import { type Answer, addCommand, type CommandContext, count, Refusal, withExistingData } from './command.ts';

/** `device authority …` and `device crl`: who signs devices, who is believed, and what is not any more. */
export function registerDeviceAuthorities(devices: Command, context: CommandContext): void {
  const authority = devices.command('authority').description('the authorities that sign devices');
  addCommand<[], object>(
    authority,
    { usage: 'list', description: 'the authorities that devices may come with', run: list },
    context,
  );
  addCommand<[], object>(
    authority,
    {
      usage: 'new',
      description: 'one more, which signs from now on; connected devices are told to change over',
      run: add,
    },
    context,
  );
  addCommand<[string], { readonly reason: string }>(
    authority,
    {
      usage: 'retire <number>',
      description: 'believe it no more: whoever has a certificate of it is cut off',
      configure: (command) => command.requiredOption('--reason <text>', 'why, for the record'),
      run: retire,
    },
    context,
  );
  addCommand<[], { readonly authority: string; readonly out?: string }>(
    devices,
    {
      usage: 'crl',
      description: 'the revocation list (RFC 5280), as PEM; the server has it at /pki/devices-1.crl',
      configure: (command) =>
        command
          .option('--authority <number>', 'of which authority', '1')
          .option('--out <file>', 'write it there, as DER, instead of showing it'),
      run: crl,
    },
    context,
  );
}

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const { deviceAuthorities } = await data.authorities();
    const { devices } = await data.registry.snapshot();
    const counting = devices
      .flatMap(({ certificates }) => certificates)
      .filter(({ revokedAtMs, notAfterMs }) => revokedAtMs === undefined && notAfterMs > context.now());
    const shown = deviceAuthorities.map(({ number, certificatePem }, index) => ({
      number,
      signs: index === 0,
      fingerprint: new X509Certificate(certificatePem).fingerprint256,
      certificates: counting.filter((each) => (each.authority ?? 1) === number).length,
    }));
    const lines = shown.map(
      (one) =>
        `${one.number}  ${one.signs ? 'signs' : 'is still believed'}, ${one.certificates} certificates count\n  ${one.fingerprint}`,
    );
    return { json: { authorities: shown }, text: lines.join('\n') };
  });
}

async function add(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async (data) => {
    await data.authorities();
    const { addAuthority } = await import('../../identity/further-authorities.ts');
    const number = await addAuthority(join(context.settings().dataFolder, 'pki'), context.now);
    const text = `Authority ${number} signs from now on. Connected devices are told to renew; "device authority list" shows how far they are. Then: device authority retire`;
    return { json: { number }, text };
  });
}

async function retire(context: CommandContext, options: { readonly reason: string }, given: string): Promise<Answer> {
  const number = count('<number>', given, 9999);
  return withExistingData(context, async (data) => {
    const { deviceAuthorities } = await data.authorities();
    const { retireAuthority } = await import('../../identity/further-authorities.ts');
    const pki = join(context.settings().dataFolder, 'pki');
    const outcome = await retireAuthority(pki, number, deviceAuthorities);
    if (outcome === 'unknown') throw new Refusal(`<number>: there is no authority ${number} that is believed`);
    if (outcome === 'signs')
      throw new Refusal(`<number>: authority ${number} signs; "device authority new" makes another first`);
    const revoked = await new PostgresDeviceCertificates(data.database).revokeAuthority({
      authority: number,
      atMs: context.now(),
      reason: options.reason,
      code: 'cACompromise',
    });
    return {
      json: { number, revoked },
      text: `Authority ${number} is believed no more; ${revoked} certificates revoked.`,
    };
  });
}

async function crl(
  context: CommandContext,
  options: { readonly authority: string; readonly out?: string },
): Promise<Answer> {
  const number = count('--authority', options.authority, 9999);
  return withExistingData(context, async (data) => {
    const { createRevocationLists } = await import('../../identity/revocation-list.ts');
    const authorities = await data.authorities();
    const view = registryView(await data.registry.snapshot(), context.now());
    const lists = createRevocationLists({
      view: () => view,
      authorities: () => authorities,
      certificates: new PostgresDeviceCertificates(data.database),
      now: context.now,
    });
    const made = await lists.list(number);
    if (made === undefined) throw new Refusal(`--authority: there is no authority ${number} that is believed`);
    const nextUpdate = new Date(made.nextUpdateMs).toISOString();
    if (options.out !== undefined) {
      await writeFile(options.out, made.der);
      return { json: { authority: number, nextUpdate, file: options.out }, text: options.out };
    }
    const base64 = (
      Buffer.from(made.der)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    ).join('\n');
    const pem = `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----`;
    return { json: { authority: number, nextUpdate, pem }, text: pem };
  });
}
