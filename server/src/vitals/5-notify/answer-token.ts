import { sha256Of } from '../../identity/secrets.ts';
import type { AnswerTokens } from '../../ports/answer-tokens.ts';
import type { MessageSources } from './compose.ts';

/** A night shift and its handover: an alarm answered later than this is answered at the bed. */
const GOOD_FOR_MS = 12 * 3_600_000;
/** Kept for a day beyond, so that a late answer is told that it is late. */
const KEPT_FOR_MS = 86_400_000;
const TRIM_EVERY_MS = 3_600_000;

/**
 * Makes the secret that an answer must bring back: 256 random bits, of which only the hash is stored, for one alarm and
 * one recipient. A new one with every attempt, since nothing here could make the old one again.
 */
export function createAnswerTokens(options: {
  readonly tokens: AnswerTokens;
  readonly now: () => number;
  /** Unguessable. */
  readonly randomToken: () => string;
}): NonNullable<MessageSources['answerToken']> {
  const { tokens, now, randomToken } = options;
  let trimmedAtMs = now();
  return async ({ alarmId, channel, recipient }) => {
    const token = randomToken();
    await tokens.put({ sha256: sha256Of(token), alarmId, channel, recipient, expiresAtMs: now() + GOOD_FOR_MS });
    if (now() - trimmedAtMs > TRIM_EVERY_MS) {
      trimmedAtMs = now();
      await tokens.trim(now() - KEPT_FOR_MS);
    }
    return token;
  };
}
