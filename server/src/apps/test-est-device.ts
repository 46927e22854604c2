import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceList } from '@healthsync/contracts/device';
import type { CertificateStatus, DeviceInvitation } from '@healthsync/contracts/device-enrollment';
import { Pkcs10CertificateRequest, X509Certificates } from '@peculiar/x509';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { PatientId } from '../domain/ids.ts';
import { newDeviceKey } from '../simulation/device-key.ts';
import { withOpenData } from './open-data.ts';
import { startTestProgram, type TestProgram } from './test-program.ts';

/** A device of a test: what it sends, over real TLS, and nothing of the server's insides. */
interface EstAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** PEM, of a `certs-only` answer. */
  readonly certificates: readonly string[];
}

export interface DeviceIdentityPem {
  readonly cert: string;
  readonly key: string;
}

/** EST (RFC 7030) as a device speaks it, and any other request it sends with its certificate. */
export function estOf(program: Pick<TestProgram, 'https'>, ca: string) {
  async function send(
    path: string,
    how: {
      readonly method?: string;
      readonly basic?: readonly [string, string];
      readonly identity?: DeviceIdentityPem;
      readonly body?: string | Buffer;
      readonly type?: string;
    } = {},
  ): Promise<EstAnswer> {
    const asked = request(`${program.https}${path}`, {
      method: how.method ?? 'POST',
      ca,
      agent: false,
      ...how.identity,
      headers: {
        ...(how.basic && { authorization: `Basic ${Buffer.from(how.basic.join(':')).toString('base64')}` }),
        ...(how.body !== undefined && { 'content-type': how.type ?? 'application/pkcs10' }),
      },
    });
    asked.end(how.body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const body = await text(response);
    const isCerts = (response.headers['content-type'] ?? '').startsWith('application/pkcs7-mime');
    const certificates = isCerts ? [...new X509Certificates(Buffer.from(body, 'base64'))].map(String) : [];
    return { status: response.statusCode ?? 0, headers: response.headers as never, body, certificates };
  }

  return {
    send,
    cacerts: () => send('/.well-known/est/cacerts', { method: 'GET' }),
    enroll: (deviceId: string, code: string, csr: Buffer | string) =>
      send('/.well-known/est/simpleenroll', {
        basic: [deviceId, code],
        body: typeof csr === 'string' ? csr : csr.toString('base64'),
      }),
    reenroll: (identity: DeviceIdentityPem | undefined, csr: Buffer) =>
      send('/.well-known/est/simplereenroll', {
        ...(identity && { identity }),
        body: csr.toString('base64'),
      }),
  };
}

/** A client of another make, without its own reconnecting; rejects when it is not let in. */
export function mqttOf(program: Pick<TestProgram, 'mqtts'>, ca: string) {
  const url = program.mqtts.replace(/\/\/[^:]+/, '//localhost');
  return (identity: DeviceIdentityPem, options: Partial<IClientOptions> = {}): Promise<MqttClient> =>
    new Promise((resolve, reject) => {
      const client = connect(url, { ca, ...identity, protocolVersion: 5, reconnectPeriod: 0, ...options });
      client.once('connect', () => resolve(client));
      client.on('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
}

/** The same request with one bit of its signature changed. */
export function withBadSignature(request: Buffer): Buffer {
  const changed = Buffer.from(request);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
  return Buffer.from(new Pkcs10CertificateRequest(changed).rawData);
}

/** The whole program, with a technician, and devices that come and go. */
export type DeviceBench = Awaited<ReturnType<typeof startDeviceBench>>;

const PEOPLE = [
  { name: 'tech', roles: ['operator'], wardIds: [] },
  { name: 'nurse', roles: ['nurse'], wardIds: [] },
  { name: 'charge', roles: ['charge-nurse'], wardIds: [] },
  { name: 'sec', roles: ['security'], wardIds: [] },
] as const;

export async function startDeviceBench() {
  const program = await startTestProgram(PEOPLE, {
    HEALTHSYNC_SERVER_NAMES: 'localhost',
    // What is replaced ends as soon as its successor is used.
    HEALTHSYNC_DEVICE_OVERLAP_MINUTES: '0',
  });
  const pki = join(program.settings.dataFolder, 'pki');
  const ca = readFileSync(join(pki, 'server-ca.pem'), 'utf8');
  const est = estOf(program, ca);
  const clients: MqttClient[] = [];
  const connectOne = mqttOf(program, ca);
  const tech = (method: string, path: string, sent?: unknown) => program.call('tech', method, path, sent);

  async function invite(deviceId: string): Promise<DeviceInvitation> {
    const { status, body } = await tech('POST', '/api/device-enrollments', { deviceId });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return body;
  }

  /** Comes in as a device does: code, request, approval, certificate. */
  async function enrolled(deviceId: string): Promise<DeviceIdentityPem> {
    const { id, code } = await invite(deviceId);
    const key = await newDeviceKey(`CN=${deviceId}`);
    await est.enroll(deviceId, code, key.request);
    await tech('POST', `/api/device-enrollments/${id}/approve`, { keyFingerprint: key.fingerprint });
    const { certificates } = await est.enroll(deviceId, code, key.request);
    return { cert: certificates[0] ?? '', key: key.key };
  }

  async function give(deviceId: string, patientId: string): Promise<void> {
    await withOpenData(program.settings, Date.now, ({ registry }) =>
      registry.assign({ deviceId: deviceId as never, patientId: patientId as PatientId, fromMs: Date.now() - 60_000 }),
    );
    await eventually(async () => {
      const { devices } = (await program.call('charge', 'GET', '/api/devices')).body as DeviceList;
      return devices.find((one) => one.id === deviceId && one.patientId === patientId);
    });
  }

  return {
    program,
    pki,
    ca,
    est,
    tech,
    invite,
    enrolled,
    give,
    async connect(...asked: Parameters<typeof connectOne>): Promise<MqttClient> {
      const client = await connectOne(...asked);
      clients.push(client);
      return client;
    },
    async statusOf(identity: DeviceIdentityPem): Promise<CertificateStatus> {
      const { body } = await program.call(undefined, 'GET', `/pki/certificates/${serialOf(identity)}`);
      return body;
    },
    async audit(query: string) {
      const { body } = await program.call('sec', 'GET', `/api/audit?${query}`);
      return body.entries as readonly object[];
    },
    async stop(): Promise<void> {
      for (const client of clients) client.end(true);
      await program.stop();
    },
  };
}

export const serialOf = (identity: DeviceIdentityPem): string => new X509Certificate(identity.cert).serialNumber;

export const closeOf = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', resolve));

export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
}
