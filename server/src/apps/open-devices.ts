import { randomUUID, X509Certificate } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresDeviceCertificates } from '../adapters/postgres/device-certificates.ts';
import { PostgresDeviceEnrollments } from '../adapters/postgres/device-enrollments.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { DEFAULT_TENANT, type DeviceId } from '../domain/ids.ts';
import { type Authorities, openAuthorities, trustedDevicesPem } from '../identity/authority.ts';
import { watchCertificates } from '../identity/certificate-watch.ts';
import { certsOnly } from '../identity/certs-only.ts';
import { createDeviceAuthority } from '../identity/device-authority.ts';
import { createEnrollmentDesk } from '../identity/device-enrollment.ts';
import { createDeviceRenewal } from '../identity/device-renewal.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import { answerToRequest, type RenewalLink } from '../identity/renewal-by-message.ts';
import { createRevocationLists } from '../identity/revocation-list.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Registry } from '../ports/registry.ts';
import type { SystemAlarm, SystemAlarms } from '../ports/system-alarms.ts';
import { registerDeviceEnrollments } from '../serve/api/device-enrollments.ts';
import { registerDeviceRevocations } from '../serve/api/device-revocations.ts';
import { registerEnrollmentOverTransport } from '../serve/api/enrollment-over-transport.ts';
import type { DeviceLink } from '../serve/services.ts';
import type { Log } from '../telemetry/log.ts';
import { certifiedDevice } from '../vitals/1-ingest/authenticate-device.ts';
import { certificateTerms, ownAddress } from './certificate-terms.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** How devices come in and stay in: codes and approval, renewal over the air, revocation lists, doubt. */
export async function openDevices(parts: {
  readonly settings: Settings;
  /** `pki` in the data folder. */
  readonly pki: string;
  readonly authorities: Authorities;
  readonly database: Connections;
  readonly tenants: Pick<OpenedTenants, 'viewFor' | 'asking'>;
  readonly registry: Registry;
  /** As the organisation that asks has it. */
  readonly askedRegistry: Registry;
  readonly view: () => RegistryView;
  readonly refreshView: () => Promise<unknown>;
  readonly systemAlarms: SystemAlarms & { open(): readonly SystemAlarm[] };
  readonly audit: AuditLog;
  /** The HTTPS port, once it is open. */
  readonly port: () => number;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}) {
  const { settings, pki, database, registry, view, refreshView, systemAlarms, audit, port, log, now, undo } = parts;
  let authorities = parts.authorities;
  const certificates = new PostgresDeviceCertificates(database);
  const askedCertificates = new PostgresDeviceCertificates(parts.tenants.asking);
  const authority = () =>
    createDeviceAuthority(authorities.devices, now, certificateTerms(settings, authorities, port()));
  const onError = (error: unknown) => log.warn('certificates of devices could not be seen to', { error });

  const common = { settings, authorities: () => authorities, certificates, port, now, onChanged: refreshView };
  // What devices ask, who are nobody's request: whose they are, their code says.
  const desk = openEnrollmentDesk({
    ...common,
    enrollments: new PostgresDeviceEnrollments(database),
    registry,
    // Another process may have let it in a moment ago, and its notice be on the way.
    onHandOver: async (serial) => {
      if (view().certificate(serial) === undefined) await refreshView();
    },
    onCodeUsedTwice: ({ id, deviceId, tenantId }) =>
      systemAlarms.raise({
        tenantId,
        id: `device.code-used-twice.${id}`,
        rule: 'device.code-used-twice',
        priority: 'medium',
        text: `Two keys came with the code of device ${deviceId}: somebody else may have it. Let in only the key whose fingerprint the device itself shows, or refuse it and make a new code.`,
      }),
  });
  // What people ask goes to the database as their organisation; but that a device of this name is another's, or a key
  // another device's, shows only in all of them.
  const { askedRegistry } = parts;
  const askedDesk = openEnrollmentDesk({
    ...common,
    enrollments: new PostgresDeviceEnrollments(parts.tenants.asking),
    registry: {
      devices: () => registry.devices(),
      snapshot: () => askedRegistry.snapshot(),
      putDevice: (device) => askedRegistry.putDevice(device),
      addCertificate: (certificate) => askedRegistry.addCertificate(certificate),
      assign: (assignment) => askedRegistry.assign(assignment),
    },
  });
  const renewal = createDeviceRenewal({
    view,
    certificates,
    registry,
    authority,
    overlapMs: settings.deviceOverlapMinutes * 60_000,
    now,
    onChanged: refreshView,
    onError,
  });
  const lists = createRevocationLists({ view, authorities: () => authorities, certificates, now });
  /** Whoever comes through a door has shown a certificate: a renewed one is known to be in use. */
  const door: Pick<RegistryView, 'deviceAccess' | 'deviceOfToken'> = {
    deviceAccess(deviceId, serial, fingerprint) {
      const access = view().deviceAccess(deviceId, serial, fingerprint);
      if (access === 'allowed') renewal.used(serial);
      return access;
    },
    deviceOfToken: (sha256, nowMs) => view().deviceOfToken(sha256, nowMs),
  };
  let link: RenewalLink | undefined;

  return {
    door,
    trustedPem: () => trustedDevicesPem(authorities),
    /** A request that came over MQTT; what it resolves with is for the device. */
    certificateRequest: (deviceId: DeviceId, serial: string, request: Buffer): Promise<string> =>
      answerToRequest(
        { renewal, authorities: () => [authorities.servers.certificatePem], audit, now, onError },
        { deviceId, serial, request },
      ),
    /** For the API. */
    link: {
      askToRenew: (deviceId) => link?.askToRenew(deviceId) ?? 'refused-no-subscriber',
      doubt: ({ deviceId, sinceMs, untilMs, reason, by, tenantId }) =>
        askedCertificates.doubt({
          id: randomUUID(),
          tenantId,
          deviceId,
          receivedFromMs: sinceMs,
          receivedUntilMs: untilMs,
          reason,
          declaredBy: by,
          declaredAtMs: now(),
        }),
      onCompromised: (deviceId) =>
        systemAlarms.raise({
          tenantId: view().device(deviceId)?.tenantId ?? DEFAULT_TENANT,
          id: `device.key-compromised.${deviceId}`,
          rule: 'device.key-compromised',
          priority: 'medium',
          text: `The key of device ${deviceId} was declared compromised: it is cut off, and whoever wears it is not watched by it. Look after the patient, enrol it with a new key, and see what it sent.`,
        }),
    } satisfies Pick<DeviceLink, 'askToRenew' | 'doubt' | 'onCompromised'>,
    routes(app: FastifyInstance): void {
      registerDeviceEnrollments(app, {
        desk: askedDesk,
        view: parts.tenants.viewFor(view),
        server: () => `${ownAddress(settings, port())}/.well-known/est`,
        authorityFingerprint: () => new X509Certificate(authorities.servers.certificatePem).fingerprint256,
        now,
      });
      registerEnrollmentOverTransport(app, {
        desk,
        renewal,
        certifiedDevice: (request) => certifiedDevice(request, door, now()),
        certsOnly,
        authorities: () => [
          ...authorities.deviceAuthorities.map(({ certificatePem }) => certificatePem),
          authorities.servers.certificatePem,
        ],
      });
      registerDeviceRevocations(app, {
        lists,
        authorities: () =>
          new Map(authorities.deviceAuthorities.map(({ number, certificatePem }) => [number, certificatePem])),
        now,
      });
    },
    /** Once the doors stand: sees to due renewals, what is superseded, and authorities that came or went. */
    follow(mqtt: Parameters<typeof watchCertificates>[0]['mqtt'], onAuthorities: () => void): void {
      const watch = watchCertificates({
        view,
        mqtt,
        current: () => authorities.devices.number,
        async endSuperseded() {
          const ended = await renewal.endSuperseded();
          if (ended.length === 0) return;
          await audit.append(ended.map((one) => supersededEntry(one, now())));
          await refreshView();
        },
        async rereadAuthorities() {
          const reread = await openAuthorities({ folder: pki, now });
          if (trustedDevicesPem(reread) === trustedDevicesPem(authorities)) return;
          authorities = reread;
          log.info('devices are signed by another authority, or one less is believed', {
            count: reread.deviceAuthorities.length,
          });
          onAuthorities();
        },
        systemAlarms,
        now,
        onError,
      });
      link = watch.link;
      undo.push('device certificates', () => watch.stop());
    },
  };
}

/** Devices on their way in: for the server, and for the command line. */
export function openEnrollmentDesk({
  settings,
  authorities,
  port = () => settings.httpsPort,
  now,
  ...kept
}: {
  readonly settings: Settings;
  readonly authorities: () => Authorities;
  readonly port?: () => number;
  readonly now: () => number;
} & Omit<Parameters<typeof createEnrollmentDesk>[0], 'authority' | 'approval' | 'newId'>) {
  return createEnrollmentDesk({
    authority: () =>
      createDeviceAuthority(authorities().devices, now, certificateTerms(settings, authorities(), port())),
    approval: settings.deviceApproval,
    newId: randomUUID,
    now,
    ...kept,
  });
}

function supersededEntry(one: { readonly deviceId: DeviceId; readonly serial: string }, atMs: number): AuditEntry {
  return {
    atMs,
    actor: { kind: 'system', name: 'healthsync' },
    action: 'device.certificate-superseded',
    resource: { kind: 'device', id: one.deviceId },
    outcome: 'allowed',
    correlationId: randomUUID(),
    detail: { serial: one.serial },
  };
}
