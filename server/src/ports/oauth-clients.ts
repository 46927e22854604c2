import type { Role } from '../domain/access.ts';
import type { TenantId, WardId } from '../domain/ids.ts';

/** Apps that people sign in to through us, and service accounts, which sign in by themselves. */
export interface OAuthClients {
  find(id: string): Promise<OAuthClient | undefined>;
  list(): Promise<readonly OAuthClient[]>;
  /** `taken`: there is one of that id. */
  add(client: OAuthClient): Promise<'added' | 'taken'>;
  disable(id: string, atMs: number): Promise<boolean>;
  /** Exactly these from now on, unless it has others than `from` meanwhile, or is ended. */
  putKeys(id: string, change: { readonly from: ClientKeys; readonly to: ClientKeys }): Promise<boolean>;
  /** It got a token. Kept to the minute. */
  noteUse(id: string, atMs: number): Promise<void>;
}

export interface OAuthClient {
  readonly id: string;
  readonly kind: 'app' | 'service';
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** Public keys (RFC 7517); an app without them is a public client. */
  readonly jwks?: ClientKeys;
  readonly scopes: readonly string[];
  /** What a service account may do by itself. */
  readonly roles: readonly Role[];
  /** Empty: all wards. */
  readonly wardIds: readonly WardId[];
  readonly tenantId: TenantId;
  /** Gets no token that is not bound to a key it proves to hold (RFC 9449, "dpop_bound_access_tokens"). */
  readonly mustProveKey?: boolean;
  /** Must send its requests to sign in by itself, and only their number through the browser (RFC 9126). */
  readonly mustPushRequests?: boolean;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly disabledAtMs?: number;
  readonly lastUsedAtMs?: number;
}

export interface ClientKeys {
  readonly keys: readonly object[];
}
