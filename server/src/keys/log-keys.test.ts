import { describe, expect, it } from 'vitest';
import { createLogKeys } from './log-keys.ts';
import type { SubjectKeys } from './subject-keys.ts';
import { testSubjectKeys } from './test-identities.ts';

const HOUR_MS = 3_600_000;

function logKeysWith(subjects: SubjectKeys) {
  let nowMs = 1_800_000_000_000;
  let count = 0;
  const errors: unknown[] = [];
  const keys = createLogKeys({
    subjects,
    newId: () => String(++count).padStart(16, '0'),
    now: () => nowMs,
    onError: (error) => errors.push(error),
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { keys, errors, pass, now: () => nowMs };
}
/** What was begun beside the call has ended. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the keys of a log', () => {
  it('go on with that of the newest segment while it is young, so that starts make none', async () => {
    const subjects = testSubjectKeys();
    const first = logKeysWith(subjects);
    await first.keys.begin(undefined);
    const { id, key } = first.keys.current();
    const again = logKeysWith(subjects);
    await again.keys.begin({ id, sinceMs: again.now() - 23 * HOUR_MS });
    expect(again.keys.current()).toMatchObject({ id, key });
    const later = logKeysWith(subjects);
    later.pass(1);
    await later.keys.begin({ id: 'ffffffffffffffff', sinceMs: later.now() - 25 * HOUR_MS });
    expect(later.keys.current().id).not.toBe('ffffffffffffffff');
  });

  it('are one a day, made without anybody waiting for it', async () => {
    const { keys, pass } = logKeysWith(testSubjectKeys());
    await keys.begin(undefined);
    const { id } = keys.current();
    pass(24 * HOUR_MS);
    expect(keys.current().id).toBe(id);
    await settled();
    expect(keys.current().id).not.toBe(id);
  });

  it('last while the key service is away, which is said', async () => {
    const working = testSubjectKeys();
    let isAway = false;
    const forSealing: SubjectKeys['forSealing'] = async (subject) => {
      if (isAway) throw new Error('away');
      return working.forSealing(subject);
    };
    const { keys, pass, errors } = logKeysWith({ ...working, forSealing });
    await keys.begin(undefined);
    const { id } = keys.current();
    isAway = true;
    pass(48 * HOUR_MS);
    keys.current();
    await settled();
    expect(keys.current().id).toBe(id);
    expect(errors).toHaveLength(1);
    isAway = false;
    await settled();
    keys.current();
    await settled();
    expect(keys.current().id).not.toBe(id);
  });

  it('open nothing once destroyed', async () => {
    const { keys } = logKeysWith(testSubjectKeys());
    await keys.begin(undefined);
    const { id } = keys.current();
    expect(await keys.find(id)).toBeDefined();
    await keys.destroy(id);
    expect(await keys.find(id)).toBeUndefined();
  });
});
