import { CertificateStatus } from '@healthsync/contracts/device-enrollment';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { RevocationLists } from '../../identity/revocation-list.ts';
import { rfc3339 } from '../alert-shape.ts';
import { notFound } from '../problem.ts';
import type { Api } from '../validation.ts';

/** Where whoever else meets our devices' certificates learns which do not count. Open to all, like any such list. */
export function registerDeviceRevocations(
  app: FastifyInstance,
  {
    lists,
    authorities,
    now,
  }: {
    readonly lists: RevocationLists;
    /** PEM, by number. */
    readonly authorities: () => ReadonlyMap<number, string>;
    readonly now: () => number;
  },
): void {
  const api = app as unknown as Api;
  const tags = ['devices'];

  api.get(
    '/pki/:file',
    {
      config: { public: true },
      schema: {
        summary: 'devices-1.crl: the revocation list of an authority (RFC 5280, DER); devices-1.pem: the authority',
        tags,
        params: Type.Object({ file: Type.String({ pattern: '^devices-[1-9][0-9]{0,3}\\.(crl|pem)$' }) }),
      },
    },
    async (request, reply) => {
      const [, number, kind] = /^devices-(\d+)\.(crl|pem)$/.exec(request.params.file) ?? [];
      if (kind === 'pem') {
        const pem = authorities().get(Number(number));
        return pem === undefined ? notFound(reply, 'authority') : reply.type('application/x-pem-file').send(pem);
      }
      const list = await lists.list(Number(number));
      if (list === undefined) return notFound(reply, 'authority');
      const body = Buffer.from(list.der);
      return (
        reply
          .type('application/pkix-crl') // RFC 2585 §4.2
          .header('last-modified', new Date(list.thisUpdateMs).toUTCString())
          // What was revoked meanwhile must be seen soon.
          .header('cache-control', 'public, max-age=60')
          .serializer(() => body as never)
          .send(body as never)
      );
    },
  );

  api.get(
    '/pki/certificates/:serial',
    {
      config: { public: true },
      schema: {
        summary: 'Whether one certificate of a device counts',
        tags,
        params: Type.Object({ serial: Type.String({ pattern: '^[0-9A-Fa-f]{1,40}$' }) }),
        response: { 200: CertificateStatus },
      },
    },
    async (request, reply) => {
      const serial = request.params.serial.toUpperCase();
      const standing = lists.status(serial);
      return reply.header('cache-control', 'no-store').send({
        serial,
        status: standing.kind,
        ...(standing.kind === 'revoked' && {
          revokedAt: rfc3339(standing.atMs),
          ...(standing.code !== undefined && { reason: standing.code }),
        }),
        asOf: rfc3339(now()),
      });
    },
  );
}
