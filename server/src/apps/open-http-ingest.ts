import type { FastifyInstance } from 'fastify';
import type { Admission } from '../vitals/1-ingest/admission.ts';
import { authenticateDevice } from '../vitals/1-ingest/authenticate-device.ts';
import { registerIngest } from '../vitals/1-ingest/http-ingest.ts';
import type { openDoorRecord } from './open-door-record.ts';
import type { Settings } from './settings.ts';

/** The door of devices over HTTPS: who came by it, and who was not let in, is on record. */
export function openHttpIngest(parts: {
  readonly settings: Settings;
  readonly admission: Admission;
  readonly door: Parameters<typeof authenticateDevice>[1];
  readonly doors: ReturnType<typeof openDoorRecord>;
  readonly now: () => number;
}): (app: FastifyInstance) => void {
  const { settings, admission, door, doors, now } = parts;
  return (app) =>
    registerIngest(app, {
      admission,
      authenticateDevice: (request) => doors.cameBy(request, authenticateDevice(request, door, now())),
      now,
      bounds: {
        readingsPerSecond: settings.deviceReadingsPerSecondMax,
        readingsBurst: Math.max(1_000, 20 * settings.deviceReadingsPerSecondMax),
      },
    });
}
