import { parseDeviceId } from '../../domain/ids.ts';
import type { IngestOutcome } from '../../domain/problem.ts';
import type { RejectedReadings } from '../../ports/rejected-readings.ts';
import type { Admission } from './admission.ts';

/**
 * Runs a refused reading's bytes through admission again, for the device that had authenticated and as of when it came,
 * after an assignment, a profile or a sentinel was put right. Marked as replayed once it is accepted. To replay twice
 * stores nothing twice.
 */
export async function replayRejected(request: {
  readonly rejected: Pick<RejectedReadings, 'find' | 'mark'>;
  readonly admission: Pick<Admission, 'readmit'>;
  readonly now: () => number;
  readonly id: string;
  /** The operator. */
  readonly by: string;
}): Promise<IngestOutcome | { readonly kind: 'not-found' }> {
  const { rejected, admission, now, id, by } = request;
  const kept = await rejected.find(id);
  const deviceId = parseDeviceId(kept?.deviceId);
  if (kept === undefined || deviceId === undefined) return { kind: 'not-found' };

  const outcome = await admission.readmit({
    deviceId,
    transport: kept.source,
    receivedAtMs: kept.receivedAtMs,
    bytes: kept.payload,
    problems: kept.problems,
    // The list's own id makes it unique, and the same at a second replay.
    replayId: `replay-${kept.id}`,
  });
  if (outcome.kind === 'accepted' || outcome.kind === 'duplicate') await rejected.mark(id, 'replayed', now(), by);
  return outcome;
}
