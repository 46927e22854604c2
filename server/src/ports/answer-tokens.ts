import type { AlarmId } from '../domain/ids.ts';

/** What an answer brings back to acknowledge: only hashes are kept. */
export interface AnswerTokens {
  put(token: AnswerToken & { readonly sha256: string }): Promise<void>;
  /** Also one that has expired, for as long as it is kept: whoever answers late is told so. */
  find(sha256: string): Promise<AnswerToken | undefined>;
  /** Forgets what expired before. */
  trim(beforeMs: number): Promise<void>;
}

export interface AnswerToken {
  readonly alarmId: AlarmId;
  readonly channel: string;
  /** Whom it was sent to. */
  readonly recipient: string;
  readonly expiresAtMs: number;
}
