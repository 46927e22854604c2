import { hostname } from 'node:os';
import { join } from 'node:path';
import type { openAuthorities } from '../identity/authority.ts';
import { ownNames, serverCertificate } from '../identity/server-certificate.ts';
import type { Log } from '../telemetry/log.ts';
import type { openAudit } from './open-audit.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** What the program shows of itself at its doors: its own certificate, over HTTPS the hospital's where it has one. */
export async function openServerCertificates(parts: {
  readonly settings: Settings;
  readonly authority: Awaited<ReturnType<typeof openAuthorities>>['servers'];
  readonly pki: string;
  readonly now: () => number;
}) {
  const { settings, authority, pki, now } = parts;
  const make = () =>
    serverCertificate({
      authority,
      path: join(pki, 'server.pem'),
      names: [...ownNames(hostname()), ...settings.serverNames],
      now,
    });
  let own = await make();

  return {
    own: () => own,
    notAfterMs: () => own.notAfterMs,
    mqtts: () => ({ key: own.keyPem, cert: own.certificatePem }),
    https: () => ({
      key: settings.httpsKey ?? own.keyPem,
      cert: settings.httpsCertificate ?? own.certificatePem,
    }),
    /** Long before it ends, for connections from then on. */
    renewDaily(then: {
      renewed(): void;
      readonly note: Awaited<ReturnType<typeof openAudit>>['note'];
      readonly log: Log;
      readonly undo: ReturnType<typeof undoStack>;
    }): void {
      const renewal = setInterval(async () => {
        try {
          const { notAfterMs } = own;
          own = await make();
          then.renewed();
          if (own.notAfterMs === notAfterMs) return;
          const resource = { kind: 'certificate', id: 'server' };
          await then.note('certificates', { action: 'certificate.renew', resource });
        } catch (error) {
          then.log.error('the server certificate could not be renewed', { error });
        }
      }, DAY_MS);
      then.undo.push('certificate renewal', () => clearInterval(renewal));
    },
  };
}

const DAY_MS = 86_400_000;
