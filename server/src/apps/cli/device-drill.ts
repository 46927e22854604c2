import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { DEFAULT_TENANT, type DeviceId, parseDeviceId } from '../../domain/ids.ts';
import type { EnrollmentDesk } from '../../identity/device-enrollment.ts';
import type { Registry } from '../../ports/registry.ts';
import type { DeviceClient } from '../../simulation/device-client.ts';
import type { DeviceKey } from '../../simulation/device-key.ts';
import type { Settings } from '../settings.ts';
import { type Answer, addCommand, type CommandContext, Refusal, withExistingData } from './command.ts';
import { openDesk } from './device-enrollment.ts';

/** `device drill`: the whole story of a stolen key, on a device of its own, against the running server. */
export function registerDeviceDrill(devices: Command, context: CommandContext): void {
  addCommand<[], object>(
    devices,
    {
      usage: 'drill',
      description: 'play a compromised key on a device of its own: in, cut off, and in again with a new key',
      run: drill,
    },
    context,
  );
}

/** Nobody wears it; what it leaves behind is revoked. */
const DRILL_DEVICE = parseDeviceId('compromise-drill') as DeviceId;
/** What is promised: open connections end within it. */
const CUT_OFF_MS = 5_000;
const PATIENCE_MS = 30_000;

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
}

async function drill(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const settings = context.settings();
    const { desk } = await openDesk(data, settings, context.now);
    const steps = await playDrill({ desk, registry: data.registry, settings, now: context.now });
    const isGood = steps.every(({ ok }) => ok);
    const lines = steps.map(({ step, ok, ms }) => `${ok ? '✓' : '✗'} ${step} (${ms} ms)`);
    return {
      json: { device: DRILL_DEVICE, ok: isGood, steps },
      text: [...lines, isGood ? 'The drill went as it should.' : 'The drill FAILED.'].join('\n'),
      failed: !isGood,
    };
  });
}

interface Scene {
  readonly desk: EnrollmentDesk;
  readonly registry: Pick<Registry, 'revoke'>;
  readonly settings: Settings;
  readonly now: () => number;
}

async function playDrill(scene: Scene): Promise<readonly Step[]> {
  const { registry, now } = scene;
  const server = serverOf(scene.settings);
  const steps: Step[] = [];
  async function play<T>(step: string, act: () => Promise<T>, isGood: (result: T, ms: number) => boolean = () => true) {
    const startedMs = performance.now();
    const result = await act();
    const ms = Math.round(performance.now() - startedMs);
    steps.push({ step, ok: isGood(result, ms), ms });
    return result;
  }

  const stolen = await play('a device comes in by a code, and a person lets it in', () => comeIn(scene, server));
  const client = await play('it connects', () => server.connect(stolen));
  const serial = stolen.serial;
  const closed = client.closed;
  await registry.revoke({ deviceId: DRILL_DEVICE, atMs: now(), reason: 'drill', code: 'keyCompromise' });
  const isClosed = () => Promise.race([closed.then(() => true), sleep(2 * CUT_OFF_MS, false)]);
  await play('its key is declared compromised: it is cut off within 5 s', isClosed, (is, ms) => is && ms <= CUT_OFF_MS);
  const again = () =>
    server.connect(stolen).then(
      () => 'connected',
      () => 'refused',
    );
  await play('whoever has the key cannot connect', again, (outcome) => outcome === 'refused');
  const renew = () => server.post('/.well-known/est/simplereenroll', { body: stolen.key.request, identity: stolen });
  await play('nor renew', renew, ({ status }) => status === 401);
  const standing = () => server.get(`/pki/certificates/${serial}`);
  await play('the status says so to all', standing, ({ body }) => /"keyCompromise"/.test(body));
  const reuse = () =>
    comeIn(scene, server, stolen.key).then(
      () => 'let in',
      (error: Error) => error.message,
    );
  await play('the key does not come in again', reuse, (outcome) => outcome.includes('key-withdrawn'));
  const fresh = await play('the device comes in with a new key', () => comeIn(scene, server));
  const back = await play('and connects', () => server.connect(fresh));
  back.client.close();
  await registry.revoke({
    deviceId: DRILL_DEVICE,
    atMs: now(),
    reason: 'the drill is over',
    code: 'cessationOfOperation',
  });
  return steps;
}

interface DrillIdentity {
  readonly deviceId: string;
  readonly cert: string;
  readonly serial: string;
  readonly key: DeviceKey;
}

async function comeIn({ desk }: Scene, server: Server, known?: DeviceKey): Promise<DrillIdentity> {
  const { newDeviceKey } = await import('../../simulation/device-key.ts');
  const { X509Certificates } = await import('@peculiar/x509');
  const person = (name: string) => ({ name, tenantId: DEFAULT_TENANT });
  const invited = await desk.invite({ deviceId: DRILL_DEVICE, hours: 1, by: person('drill: invites') });
  if (invited.kind === 'taken') throw new Refusal(`another organisation has a device ${DRILL_DEVICE}`);
  const { enrollment, code } = invited;
  const key = known ?? (await newDeviceKey(`CN=${DRILL_DEVICE}`));
  const ask = () => server.post('/.well-known/est/simpleenroll', { body: key.request, code });
  const first = await ask();
  if (first.status >= 400) {
    await desk.refuse(enrollment.id, 'the drill', person('drill: refuses'));
    throw new Error(first.body);
  }
  if (first.status === 202)
    await desk.approve(enrollment.id, key.fingerprint.replaceAll(':', '').toLowerCase(), person('drill: lets in'));
  const { body } = await ask();
  const [certificate] = new X509Certificates(Buffer.from(body, 'base64'));
  if (certificate === undefined) throw new Error('no certificate came');
  return { deviceId: DRILL_DEVICE, cert: certificate.toString('pem'), serial: certificate.serialNumber, key };
}

type Server = ReturnType<typeof serverOf>;

/** The running server, as a device meets it. */
function serverOf(settings: Settings) {
  const ca = readFileSync(join(settings.dataFolder, 'pki', 'server-ca.pem'), 'utf8');
  const trusted = settings.httpsCertificate === undefined ? { ca } : {};
  const host = settings.serverNames[0] ?? 'localhost';

  function send(
    method: string,
    path: string,
    how: { readonly body?: Buffer; readonly code?: string; readonly identity?: DrillIdentity },
  ) {
    const { body, code, identity } = how;
    return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      const asked = request({
        host,
        port: settings.httpsPort,
        path,
        method,
        ...trusted,
        agent: false,
        timeout: PATIENCE_MS,
        ...(identity && { cert: identity.cert, key: identity.key.key }),
        headers: {
          ...(code && { authorization: `Basic ${Buffer.from(`${DRILL_DEVICE}:${code}`).toString('base64')}` }),
          ...(body && { 'content-type': 'application/pkcs10' }),
        },
      });
      asked.on('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Refusal(`no server answers on https://${host}:${settings.httpsPort} (${error.code ?? error.message})`),
        ),
      );
      asked.on('response', (response) => {
        text(response).then((all) => resolve({ status: response.statusCode ?? 0, body: all }), reject);
      });
      asked.end(body?.toString('base64'));
    });
  }

  return {
    get: (path: string) => send('GET', path, {}),
    post: (path: string, how: Parameters<typeof send>[2]) => send('POST', path, how),
    async connect({
      deviceId,
      cert,
      key,
    }: DrillIdentity): Promise<{ readonly client: DeviceClient; readonly closed: Promise<void> }> {
      const { connectDevice } = await import('../../simulation/device-client.ts');
      const { promise: closed, resolve: onClose } = Promise.withResolvers<void>();
      const target = { host, port: settings.mqttPort, ca };
      try {
        return { client: await connectDevice(target, { deviceId, cert, key: key.key }, { onClose }), closed };
      } catch (error) {
        throw new Refusal(`the device is not let in over MQTT: ${(error as Error).message}`);
      }
    },
  };
}
