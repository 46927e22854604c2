/** What the OpenID provider keeps: codes, tokens, grants, by the SHA-256 of what opens them; payloads come in sealed. */
export interface OpenIdRecords {
  put(record: OpenIdRecord): Promise<void>;
  /** False where there is one of that name already, however long ago: of two that come at once, one is first. */
  putFirst(record: OpenIdRecord): Promise<boolean>;
  find(model: string, idSha256: string, nowMs: number): Promise<FoundRecord | undefined>;
  findByUid(model: string, uid: string, nowMs: number): Promise<FoundRecord | undefined>;
  /** True once: whoever comes second has a copy. */
  consume(model: string, idSha256: string, atMs: number): Promise<boolean>;
  remove(model: string, idSha256: string): Promise<void>;
  /** Everything that came of one grant: a family of tokens. */
  removeGrant(grantId: string): Promise<void>;
  /** Everything a person's apps hold. */
  removeAccount(accountId: string): Promise<void>;
}

export interface OpenIdRecord {
  readonly model: string;
  readonly idSha256: string;
  readonly payload: string;
  readonly grantId?: string;
  readonly uid?: string;
  readonly accountId?: string;
  readonly clientId?: string;
  readonly expiresAtMs: number;
}

export interface FoundRecord {
  readonly payload: string;
  readonly consumedAtMs?: number;
}
