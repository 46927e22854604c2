/** Another OpenID provider that vouches for people: the hospital's own. */
export interface OutsideProvider {
  /** Where the browser goes, and what must be remembered until it comes back. */
  begin(): Promise<{ readonly url: string; readonly checks: OutsideChecks }>;
  /**
   * Whom it vouches for. `undefined`: what came back is not an answer to what was begun, or is forged, or says no.
   * Rejects with `Failure` while the provider cannot be reached.
   */
  finish(callback: URL, checks: OutsideChecks): Promise<VouchedFor | undefined>;
}

export interface OutsideChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface VouchedFor {
  /** Together they never change and are never given to anybody else (OpenID Connect Core 2). */
  readonly issuer: string;
  readonly subject: string;
  readonly name?: string;
  readonly displayName?: string;
  readonly email?: string;
  readonly groups: readonly string[];
  /** When a second factor was shown there, where it says so (ms). */
  readonly mfaAtMs?: number;
}
