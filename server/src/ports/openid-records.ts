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
  /** What a person let apps have, as long as anything of it still opens something; newest first, 200 at most. */
  grantsOf(accountId: string, nowMs: number): Promise<readonly FoundGrant[]>;
  /** What was given for it was used. Kept to the minute. */
  noteGrantUse(grantId: string, atMs: number): Promise<void>;
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

export interface FoundGrant {
  readonly grantId: string;
  readonly payload: string;
  /** Of the record `Launch` of that grant, where there is one. */
  readonly launch?: string;
  /** When the last of what was given for it ends, unless more is given. */
  readonly endsAtMs: number;
  readonly usedAtMs?: number;
}
