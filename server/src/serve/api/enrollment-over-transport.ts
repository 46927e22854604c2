import { Buffer } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DeviceId, parseDeviceId } from '../../domain/ids.ts';
import type { EnrollmentDesk, EnrollOutcome } from '../../identity/device-enrollment.ts';
import type { DeviceRenewal, RenewOutcome } from '../../identity/device-renewal.ts';
import { noteAudit } from '../audited.ts';
import { sendProblem } from '../problem.ts';

export interface EnrollmentOverTransport {
  readonly desk: Pick<EnrollmentDesk, 'enroll'>;
  readonly renewal: Pick<DeviceRenewal, 'renew'>;
  /** By the certificate it proved to hold, if that counts. */
  readonly certifiedDevice: (
    request: FastifyRequest,
  ) => { readonly deviceId: DeviceId; readonly serial: string } | undefined;
  /** PEM, as `certs-only` PKCS#7 in base64. */
  readonly certsOnly: (certificatesPem: readonly string[]) => string;
  /** PEM: by which devices know us, and which sign them. */
  readonly authorities: () => readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of EST's basic authentication: not looked up yet. */
    enrolling?: { readonly deviceId: DeviceId; readonly code: string };
  }
}

/** A request of 16 KiB in base64, with line breaks. */
const BODY_BYTES_MAX = 24 * 1024;

/**
 * Enrollment over Secure Transport (RFC 7030), for devices: the authorities, the first certificate by device id and
 * code (HTTP basic authentication, §3.2.3; 202 and Retry-After until a person has decided, §4.2.3), and the next one
 * by the present one (mutual TLS, §3.3.2).
 */
export function registerEnrollmentOverTransport(app: FastifyInstance, services: EnrollmentOverTransport): void {
  const { desk, renewal, certifiedDevice, certsOnly, authorities } = services;
  const tags = ['devices'];

  let published = { pem: '', base64: '' };
  app.get(
    '/.well-known/est/cacerts',
    {
      config: { public: true },
      schema: { summary: 'EST: the authorities of this house, PKCS#7 in base64 (RFC 7030 §4.1)', tags },
    },
    (_, reply) => {
      // Everybody may ask, and putting it together is work: once for the same authorities.
      const pem = authorities().join('\n');
      if (published.pem !== pem) published = { pem, base64: certsOnly(authorities()) };
      return sendCertificates(reply, published.base64);
    },
  );

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/pkcs10',
      { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
      (_, body, done) => done(null, body),
    );

    scope.post(
      '/.well-known/est/simpleenroll',
      {
        config: { device: true },
        bodyLimit: BODY_BYTES_MAX,
        schema: { summary: 'EST: a device’s first certificate, by its id and a one-time code (RFC 7030 §4.2.1)', tags },
        onRequest: async (request, reply) => {
          const basic = basicOf(request);
          if (basic === undefined) return askForCode(reply);
          request.enrolling = basic;
        },
      },
      async (request, reply) => {
        const { deviceId, code } = request.enrolling as NonNullable<FastifyRequest['enrolling']>;
        const outcome = await desk.enroll({ deviceId, code, request: requestOf(request.body), address: request.ip });
        return answerEnrollment(reply, deviceId, outcome);
      },
    );

    scope.post(
      '/.well-known/est/simplereenroll',
      {
        config: { device: true },
        bodyLimit: BODY_BYTES_MAX,
        schema: { summary: 'EST: a device’s next certificate, by its present one (RFC 7030 §4.2.2)', tags },
        onRequest: async (request, reply) => {
          if (certifiedDevice(request) === undefined) return notAllowed(reply);
        },
      },
      async (request, reply) => {
        const device = certifiedDevice(request);
        if (device === undefined) return notAllowed(reply);
        noteAudit(request, { resourceId: device.deviceId, actor: { kind: 'device', name: device.deviceId } });
        return answerRenewal(reply, await renewal.renew({ ...device, request: requestOf(request.body) }));
      },
    );
  });

  function answerEnrollment(reply: FastifyReply, deviceId: DeviceId, outcome: EnrollOutcome): FastifyReply {
    switch (outcome.kind) {
      case 'not-invited':
        return askForCode(reply);
      case 'slow-down':
        return slowDown(reply, outcome.retryAfterMs);
      case 'waiting':
      case 'issued':
      case 'refused':
        // It has shown the code: now it is known who asks.
        noteAudit(reply.request, {
          resourceId: deviceId,
          actor: { kind: 'device', name: deviceId },
          detail: { enrollment: outcome.enrollmentId, state: outcome.kind === 'refused' ? outcome.code : outcome.kind },
        });
        if (outcome.kind === 'issued') return sendCertificates(reply, certsOnly([outcome.certificatePem]));
        if (outcome.kind === 'refused') return refuse(reply, outcome);
        return reply
          .code(202)
          .header('retry-after', Math.ceil(outcome.retryAfterMs / 1000))
          .header('cache-control', 'no-store')
          .type('text/plain; charset=utf-8')
          .send('A person decides whether this device is let in. Send the same request again.\n');
      default:
        return outcome satisfies never;
    }
  }

  function answerRenewal(reply: FastifyReply, outcome: RenewOutcome): FastifyReply {
    switch (outcome.kind) {
      case 'issued':
        noteAudit(reply.request, {
          detail: { serial: outcome.record.serial, replaces: outcome.record.replaces ?? '' },
        });
        return sendCertificates(reply, certsOnly([outcome.certificatePem]));
      case 'refused':
        noteAudit(reply.request, { detail: { refused: outcome.code } });
        return refuse(reply, outcome);
      case 'slow-down':
        return slowDown(reply, outcome.retryAfterMs);
      case 'not-allowed':
        return notAllowed(reply);
      default:
        return outcome satisfies never;
    }
  }
}

/** RFC 7617. */
function basicOf(request: FastifyRequest): FastifyRequest['enrolling'] {
  const encoded = /^Basic ([A-Za-z0-9+/]{1,400}={0,2})$/i.exec(request.headers.authorization ?? '')?.[1];
  const [, name, code] = /^([^:]+):(.+)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? [];
  const deviceId = parseDeviceId(name);
  return deviceId === undefined || code === undefined ? undefined : { deviceId, code };
}

/** Base64 of DER, whatever the header says of its encoding (RFC 8951 §3.1); or PEM, as tools write it; or DER. */
function requestOf(body: unknown): string | Uint8Array {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (bytes[0] === DER_SEQUENCE) return bytes;
  const text = bytes.toString('latin1').trim();
  if (text.startsWith('-----BEGIN')) return text;
  return /^[A-Za-z0-9+/=\s]+$/.test(text) ? Buffer.from(text, 'base64') : '';
}

/** A request in base64 begins with `MI`, in PEM with a dash. */
const DER_SEQUENCE = 0x30;

/** RFC 7030 §4.1.3, §4.2.3. */
function sendCertificates(reply: FastifyReply, base64: string): FastifyReply {
  return reply
    .header('content-transfer-encoding', 'base64')
    .header('cache-control', 'no-store')
    .type('application/pkcs7-mime; smime-type=certs-only')
    .send(base64);
}

function askForCode(reply: FastifyReply): FastifyReply {
  reply.header('www-authenticate', 'Basic realm="HealthSync devices", charset="UTF-8"');
  const detail = 'Send the device’s id and the code it was given, as user and password.';
  return sendProblem(reply, { status: 401, code: 'not-invited', detail });
}

function notAllowed(reply: FastifyReply): FastifyReply {
  const detail = 'Connect with a device certificate that counts.';
  return sendProblem(reply, { status: 401, code: 'device-not-known', detail });
}

function slowDown(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  return sendProblem(reply, { status: 429, code: 'too-fast', detail: 'Asked too often.', retryAfterMs });
}

function refuse(
  reply: FastifyReply,
  { code, detail }: { readonly code: string; readonly detail: string },
): FastifyReply {
  return sendProblem(reply, { status: STATUS[code] ?? 400, code, detail });
}

const STATUS: Readonly<Record<string, number>> = {
  'refused-by-person': 403,
  'code-used': 403,
  'key-in-use': 409,
  'key-withdrawn': 409,
  taken: 409,
  'foreign-name': 403,
  'too-large': 413,
};
