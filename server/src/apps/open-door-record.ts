import type { FastifyRequest } from 'fastify';
import type { DeviceId } from '../domain/ids.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { DoorSeen } from '../ports/door-seen.ts';
import type { Log } from '../telemetry/log.ts';
import { createDoorRecord } from '../vitals/1-ingest/door-record.ts';
import type { undoStack } from './undo.ts';

/** Which devices came in, who was refused and who was put out: into the audit log, counted. */
export function openDoorRecord(parts: {
  readonly audit: AuditLog;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): {
  readonly seen: (event: DoorSeen) => void;
  /** Of those that send over HTTPS; those who are refused there have their entry with the request. */
  readonly cameBy: (request: FastifyRequest, deviceId: DeviceId | undefined) => DeviceId | undefined;
} {
  const { audit, log, now, undo } = parts;
  const record = createDoorRecord({
    audit,
    now,
    onError: (error) => log.warn('who was at the door could not be written down yet', { error }),
  });
  undo.push('door record', () => record.stop());
  return {
    seen: record.seen,
    cameBy(request, deviceId) {
      if (deviceId !== undefined) record.seen({ transport: 'https', what: 'connected', deviceId, address: request.ip });
      return deviceId;
    },
  };
}
