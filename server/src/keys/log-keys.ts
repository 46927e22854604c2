import type { LogKey, LogKeys } from '../ports/log-keys.ts';
import type { SubjectKeys } from './subject-keys.ts';

/**
 * The keys of a reading log among the data keys of the installation, one a day: wrapped, rotated and backed up as they
 * are. A new one is made in good time beside the readings' way; while that cannot be done, the last one goes on.
 */
export function createLogKeys(options: {
  readonly subjects: SubjectKeys;
  /** 16 hexadecimal digits, never the same. */
  readonly newId: () => string;
  readonly now: () => number;
  /** The day's key could not be made; it is tried again with the next segment. */
  readonly onError: (error: unknown) => void;
}): LogKeys {
  const { subjects, newId, now, onError } = options;
  let current: (LogKey & { readonly sinceMs: number }) | undefined;
  let isMaking = false;

  async function make(): Promise<void> {
    const id = newId();
    // A copy: it stays good while a segment is written, whatever becomes of those that are remembered.
    current = { id, key: Uint8Array.from(await subjects.forSealing(subjectOf(id))), sinceMs: now() };
  }

  async function find(id: string): Promise<Uint8Array | undefined> {
    const key = await subjects.forOpening(subjectOf(id));
    return key && Uint8Array.from(key);
  }

  return {
    find,
    async begin(newest) {
      if (newest !== undefined && now() - newest.sinceMs < KEY_MS) {
        const key = await find(newest.id);
        if (key !== undefined) current = { ...newest, key };
      }
      if (current === undefined) await make();
    },
    current() {
      if (current === undefined) throw new Error('a log key before the log has begun');
      if (now() - current.sinceMs >= KEY_MS && !isMaking) {
        isMaking = true;
        void make()
          .catch(onError)
          .finally(() => {
            isMaking = false;
          });
      }
      return current;
    },
    destroy: (id) => subjects.discard(subjectOf(id)),
  };
}

/** A day: what is destroyed with a key is never much younger than what retention lets go. */
const KEY_MS = 24 * 3_600_000;

const subjectOf = (id: string): string => `log:${id}`;
