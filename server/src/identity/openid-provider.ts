import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider, {
  type AccountClaims,
  type ClientMetadata,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Role } from '../domain/access.ts';
import { demandsSecondFactor } from '../domain/factor.ts';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId } from '../domain/ids.ts';
import { covers, everyScope } from '../domain/scope.ts';
import type { Accounts, User } from '../ports/accounts.ts';
import type { OAuthClient, OAuthClients } from '../ports/oauth-clients.ts';
import type { OpenIdRecords } from '../ports/openid-records.ts';
import { LAUNCH, type LetIn } from './apps-let-in.ts';
import { DPOP_ALGORITHMS } from './dpop.ts';
import type { IdentityKeys } from './identity-keys.ts';
import { openIdStore } from './openid-store.ts';
import type { Seal } from './seal.ts';
import type { Principal } from './sessions.ts';

/** The embedded OpenID provider: who is signed in with us may sign in to an app, and systems sign in by themselves. */
export interface OpenIdProvider {
  readonly issuer: string;
  /** Answers a request whose path begins below the issuer's. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** What is asked of a person before an app gets anything; undefined where this browser has begun nothing. */
  question(request: IncomingMessage, response: ServerResponse): Promise<Question | undefined>;
  /** The person's answer; resolves with where the browser goes on. */
  answer(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<string>;
  /** Whose access token this is. */
  principalOf(token: string): Promise<Principal | undefined>;
}

export interface Question {
  readonly clientId: string;
  readonly clientName: string;
  /** Whose app it is: nobody of another organisation is asked for it. */
  readonly tenantId: TenantId;
  readonly scopes: readonly string[];
  /** The person must show once more who they are. */
  readonly isFreshNeeded: boolean;
  /** How long one token lets it in. */
  readonly accessSeconds: number;
  /** How long it may get the next by itself, in all; absent: it may not. */
  readonly refreshSeconds?: number;
  /** An opaque text from the record the app was opened from (SMART "launch"). */
  readonly launch?: string;
}

export type Answer =
  | { readonly allow: false }
  | {
      readonly allow: true;
      readonly principal: Principal;
      readonly scopes: readonly string[];
      readonly patientId?: PatientId;
    };

/** Short: what is stolen of it is soon worth nothing; the refresh token, which is watched, brings the next. */
const ACCESS_SECONDS = 10 * 60;
/** SMART Backend Services: "recommended to be no more than five minutes". */
const SERVICE_SECONDS = 5 * 60;
const INTERACTION_SECONDS = 10 * 60;
/** Characters; as `docs/security-rules.md` has it for an address and its query. */
const REQUEST_MAX = 8_192;
/** SMART Backend Services: the end of an assertion "SHALL be no more than five minutes in the future"; a minute for clocks. */
const ASSERTION_SECONDS = 6 * 60;
/** One long shift; apps that may go on without their user (`offline_access`) a month. */
const REFRESH_SECONDS = 12 * 3600;
const OFFLINE_SECONDS = 30 * 86_400;
const USE_NOTED_EVERY_MS = 60_000;
/** Of a large house's apps in use; forgetting all of them costs each one write. */
const NOTED_MAX = 10_000;

export function createOpenIdProvider(parts: {
  readonly issuer: string;
  /** Of the FHIR interface: the only audience that tokens are for besides our own API. */
  readonly fhirBase: string;
  readonly keys: IdentityKeys;
  readonly seal: Seal;
  readonly records: OpenIdRecords;
  readonly clients: OAuthClients;
  readonly accounts: Pick<Accounts, 'findUserById'>;
  /** Whoever has one of these is nobody by a token for which no second factor was shown. */
  readonly secondFactorRoles?: readonly Role[];
  readonly now: () => number;
  /** A defect, or a dependency that broke; what an app does wrong is answered, and not told here. */
  readonly onError?: (error: Error) => void;
}): OpenIdProvider {
  const { issuer, fhirBase, keys, seal, records, clients, accounts, now, onError } = parts;
  const provider = new Provider(issuer, configurationOf());
  // By itself it would write whatever goes wrong to stderr, tokens and all.
  provider.silent = true;
  provider.on('server_error', (_ctx, error) => onError?.(error));
  provider.on('grant.success', (ctx) => {
    const { client, entities } = (ctx as unknown as KoaContextWithOIDC).oidc;
    const clientId = client?.clientId;
    if (entities.Grant?.jti !== undefined) noteUse(entities.Grant.jti);
    // A token is not withheld because it could not be noted that one was given.
    if (clientId !== undefined) clients.noteUse(clientId, now()).catch((error: Error) => onError?.(error));
  });
  const notedAtMs = new Map<string, number>();
  const host = new URL(issuer).host;
  const path = new URL(issuer).pathname;

  provider.use(async (ctx, next) => {
    await next();
    // SMART App Launch 2.2, "Launch context arrives with your access_token".
    const oidc = (ctx as Partial<KoaContextWithOIDC>).oidc;
    const extra = oidc?.entities.AccessToken?.extra;
    if (oidc?.route === 'token' && typeof extra?.['patient'] === 'string' && typeof ctx.body === 'object')
      ctx.body = { ...ctx.body, patient: extra['patient'], need_patient_banner: true };
  });

  const callback = provider.callback();

  async function activeUser(id: string): Promise<User | undefined> {
    const user = await accounts.findUserById(id as UserId);
    return user?.disabledAtMs === undefined ? user : undefined;
  }

  function configurationOf(): Configuration {
    return {
      adapter: (model: string) =>
        model === 'Client' ? clientStore(clients) : openIdStore(model, { records, seal, now }),
      jwks: { keys: keys.signing.map(({ jwk }) => jwk) } as NonNullable<Configuration['jwks']>,
      cookies: {
        keys: [...keys.cookies],
        names: {
          session: SESSION_COOKIE,
          interaction: '__Secure-healthsync-app',
          resume: '__Secure-healthsync-app-resume',
        },
        // Lax: the app's own redirect brings the person here from its site.
        long: { httpOnly: true, sameSite: 'lax', secure: true, signed: true },
        short: { httpOnly: true, sameSite: 'lax', secure: true, signed: true },
      },
      scopes: [...everyScope()],
      claims: {
        openid: ['sub'],
        profile: ['name', 'preferred_username'],
        fhirUser: ['fhirUser'],
      },
      clientAuthMethods: ['none', 'private_key_jwt'],
      responseTypes: ['code'],
      pkce: { required: () => true },
      // OpenID Connect Core 3.1.2.1: an app says where to, also where it has one address alone.
      allowOmittingSingleRegisteredRedirectUri: false,
      subjectTypes: ['public'],
      // SMART asks for ES384 and RS384; nothing with a shared secret.
      enabledJWA: {
        clientAuthSigningAlgValues: ['ES256', 'ES384', 'RS256', 'RS384', 'PS256', 'PS384'],
        dPoPSigningAlgValues: [...DPOP_ALGORITHMS],
      },
      assertJwtClientAuthClaimsAndHeader: async (_ctx, { exp }) => {
        if (Number(exp) > now() / 1000 + ASSERTION_SECONDS)
          throw new errors.InvalidClientAuth('an assertion may live five minutes');
      },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
        introspection: {
          enabled: true,
          allowedPolicy: (_ctx, client, token) =>
            client.clientAuthMethod !== 'none' && token.clientId === client.clientId,
        },
        rpInitiatedLogout: { enabled: false },
        // For whoever wants them (RFC 9126, RFC 9449); of some apps they are demanded (`metadataOf`).
        pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
        dPoP: { enabled: true },
      },
      extraParams: {
        // SMART: the app says which server it wants the token for; a token for another is never made.
        aud: (ctx, value) => {
          // Anybody who knows an app's name may push a request: it is kept, so it is no longer than an address may be.
          if (JSON.stringify(ctx.oidc.params).length > REQUEST_MAX)
            throw new errors.InvalidRequest('the request is too long');
          // Codes come back in the query, as SMART has it: an answer that posts a form could be read elsewhere.
          if (!['query', undefined].includes(ctx.oidc.params?.['response_mode'] as string | undefined))
            throw new errors.InvalidRequest('response_mode must be query');
          // It was looked at when the request was pushed, and gave way to that of the request itself (RFC 9101 4).
          if (ctx.oidc.entities.PushedAuthorizationRequest !== undefined && value === issuer) return;
          if (value !== undefined && value.replace(/\/$/, '') !== fhirBase)
            throw new errors.InvalidRequest('aud is not the address of this FHIR server');
        },
        launch: (_ctx, value) => {
          // Ours have some 300 characters; what is sealed with a request to sign in is bounded (`seal.ts`).
          if (value !== undefined && value.length > 2048) throw new errors.InvalidRequest('launch is too long');
        },
      },
      ttl: {
        AccessToken: ACCESS_SECONDS,
        AuthorizationCode: 60,
        ClientCredentials: SERVICE_SECONDS,
        IdToken: ACCESS_SECONDS,
        Interaction: INTERACTION_SECONDS,
        // Who is signed in is asked of our own session each time: this one only carries one request to its end.
        Session: INTERACTION_SECONDS,
        // What is renewed ends when the first would have: a shift is a shift, however often an app comes back in it.
        RefreshToken(ctx, token) {
          const before = ctx?.oidc?.entities.RotatedRefreshToken;
          // One that ends this very second was still good when it was looked at.
          if (before !== undefined) return Math.max(1, before.remainingTTL);
          return token.scopes.has('offline_access') ? OFFLINE_SECONDS : REFRESH_SECONDS;
        },
        Grant: OFFLINE_SECONDS,
      },
      expiresWithSession: () => false,
      issueRefreshToken: async (_ctx, client, code) =>
        client.grantTypeAllowed('refresh_token') &&
        (code.scopes.has('offline_access') || code.scopes.has('online_access')),
      // Every time: a refresh token that comes twice was copied, and its whole family ends (RFC 9700 4.14.2).
      rotateRefreshToken: true,
      interactions: { url: (_ctx, interaction) => `/authorize/${interaction.uid}` },
      loadExistingGrant: async (ctx) => {
        const grantId = ctx.oidc.result?.consent?.grantId;
        return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
      },
      findAccount: async (_ctx, sub) => {
        const user = await activeUser(sub);
        return user && { accountId: user.id, claims: () => claimsOf(user, fhirBase) };
      },
      extraTokenClaims: async (ctx, token) => {
        if (token.kind !== 'AccessToken' || token.grantId === undefined) return undefined;
        const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
        const source = code ?? refresh;
        const launched = await records.find(LAUNCH, token.grantId, now());
        const letIn = launched && (seal.open(LAUNCH, launched.payload) as LetIn | undefined);
        return {
          ...(source?.authTime !== undefined && { auth_time: source.authTime }),
          ...(source?.amr !== undefined && { amr: source.amr }),
          ...(letIn?.patientId !== undefined && { patient: letIn.patientId }),
          ...(letIn?.mfaAtMs !== undefined && { mfa_at_ms: letIn.mfaAtMs }),
        };
      },
      renderError: (ctx, out) => {
        ctx.type = 'text/plain; charset=utf-8';
        ctx.body = `This app could not sign you in (${out.error}). Go back to it and try again.\n`;
      },
      clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: ['authorization_code'] },
      fetch: () => Promise.reject(new Error('the provider fetches nothing')),
    };
  }

  return {
    issuer,
    handle(request, response) {
      // The mount path is what `originalUrl` has before `url`; and the addresses it names are the issuer's, whatever the
      // Host header says.
      Object.assign(request, { originalUrl: request.url });
      request.url = (request.url ?? '').slice(path.length) || '/';
      request.headers.host = host;
      // Nor does it know anybody from before: at a computer of several people that was the colleague.
      request.headers.cookie = withoutSession(request.headers.cookie ?? '');
      void callback(request, response);
    },

    async question(request, response) {
      const details = await provider.interactionDetails(request, response).catch(() => undefined);
      if (details === undefined) return undefined;
      const { params, prompt } = details;
      const client = await clients.find(String(params['client_id']));
      if (client === undefined || client.disabledAtMs !== undefined) return undefined;
      const asked = String(params['scope'] ?? '').split(' ');
      const scopes = asked.filter((scope) => covers(client.scopes, scope));
      return {
        clientId: client.id,
        clientName: client.name,
        tenantId: client.tenantId,
        scopes,
        accessSeconds: ACCESS_SECONDS,
        ...refreshedFor(scopes),
        isFreshNeeded: prompt.reasons.some((reason) => reason === 'login_prompt' || reason === 'max_age'),
        ...(typeof params['launch'] === 'string' && { launch: params['launch'] }),
      };
    },

    async answer(request, response, answer) {
      if (!answer.allow)
        return provider.interactionResult(request, response, {
          error: 'access_denied',
          error_description: 'the person said no',
        });
      const details = await provider.interactionDetails(request, response);
      const { principal, scopes, patientId } = answer;
      const grant = new provider.Grant({ accountId: principal.userId, clientId: String(details.params['client_id']) });
      grant.addOIDCScope(scopes.join(' '));
      const grantId = await grant.save();
      const { mfaAtMs } = principal;
      const letIn: LetIn = {
        ...(patientId !== undefined && { patientId }),
        ...(mfaAtMs !== undefined && { mfaAtMs }),
      };
      await records.put({
        model: LAUNCH,
        idSha256: grantId,
        payload: seal.seal(LAUNCH, letIn),
        grantId,
        accountId: principal.userId,
        expiresAtMs: now() + OFFLINE_SECONDS * 1000,
      });
      const shownAtMs = Math.max(principal.authenticatedAtMs, principal.mfaAtMs ?? 0);
      return provider.interactionResult(request, response, {
        login: {
          accountId: principal.userId,
          ts: Math.floor(shownAtMs / 1000),
          amr: [...amrOf(principal)],
          remember: false,
        },
        consent: { grantId },
      });
    },

    async principalOf(token) {
      if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined;
      return (await personOf(token)) ?? (await serviceOf(token));
    },
  };

  async function personOf(value: string): Promise<Principal | undefined> {
    const token = await provider.AccessToken.find(value);
    if (token?.grantId === undefined) return undefined;
    const { grantId } = token;
    const [user, client, grant] = await Promise.all([
      activeUser(token.accountId),
      clients.find(token.clientId ?? ''),
      // One that was being made while its person ended it is worth nothing either.
      provider.Grant.find(grantId),
    ]);
    if (user === undefined || client === undefined || client.disabledAtMs !== undefined) return undefined;
    if (grant === undefined) return undefined;
    // Never asked for; and not to be had by a change of whose somebody is.
    if ((user.tenantId ?? DEFAULT_TENANT) !== client.tenantId) return undefined;
    const extra = (token.extra ?? {}) as {
      readonly auth_time?: number;
      readonly amr?: readonly string[];
      readonly patient?: PatientId;
      readonly mfa_at_ms?: number;
    };
    const { auth_time: authTime, amr, patient, mfa_at_ms: mfaAtMs } = extra;
    const hasShownBoth = amr?.includes('mfa') === true;
    // The role may have come after the app: what it gets from now on was never opened with what the role demands.
    if (!hasShownBoth && demandsSecondFactor(user.roles, parts.secondFactorRoles ?? [])) return undefined;
    const authenticatedAtMs = (authTime ?? token.iat ?? 0) * 1000;
    noteUse(grantId);
    return {
      ...identityOf(user),
      kind: 'api',
      authenticatedAtMs,
      factors: ['federated'],
      ...(hasShownBoth && mfaAtMs !== undefined && { mfaAtMs }),
      scopes: [...token.scopes],
      ...(patient !== undefined && { launchPatientId: patient }),
      ...(token.jkt !== undefined && { keyThumbprint: token.jkt }),
      expiresAtMs: (token.exp ?? 0) * 1000,
    };
  }

  /** Kept to the minute; whoever comes is not kept waiting, nor refused, because it could not be noted. */
  function noteUse(grantId: string): void {
    const nowMs = now();
    if (nowMs - (notedAtMs.get(grantId) ?? 0) < USE_NOTED_EVERY_MS) return;
    if (notedAtMs.size >= NOTED_MAX) notedAtMs.clear();
    notedAtMs.set(grantId, nowMs);
    records.noteGrantUse(grantId, nowMs).catch((error: Error) => onError?.(error));
  }

  async function serviceOf(value: string): Promise<Principal | undefined> {
    const token = await provider.ClientCredentials.find(value);
    const client = token && (await clients.find(token.clientId ?? ''));
    if (token === undefined || client?.kind !== 'service' || client.disabledAtMs !== undefined) return undefined;
    return {
      userId: `svc-${client.id}` as UserId,
      name: client.id,
      displayName: client.name,
      roles: client.roles,
      wardIds: client.wardIds,
      tenantId: client.tenantId,
      kind: 'api',
      authenticatedAtMs: (token.iat ?? 0) * 1000,
      factors: ['private-key-jwt'],
      scopes: [...token.scopes],
      ...(token.jkt !== undefined && { keyThumbprint: token.jkt }),
      expiresAtMs: (token.exp ?? 0) * 1000,
    };
  }
}

/** As `issueRefreshToken` and `ttl` have it. */
function refreshedFor(scopes: readonly string[]): Pick<Question, 'refreshSeconds'> {
  if (scopes.includes('offline_access')) return { refreshSeconds: OFFLINE_SECONDS };
  return scopes.includes('online_access') ? { refreshSeconds: REFRESH_SECONDS } : {};
}

const SESSION_COOKIE = '__Secure-healthsync-openid';

/** Its signature (`….sig`) goes with it. */
const withoutSession = (cookies: string): string =>
  cookies
    .split(';')
    .filter((cookie) => !cookie.trim().startsWith(SESSION_COOKIE))
    .join(';');

/** RFC 8176. */
function amrOf({ factors, mfaAtMs }: Principal): readonly string[] {
  const names = factors.flatMap((factor) => AMR[factor] ?? []);
  return mfaAtMs === undefined ? names : [...names, 'mfa'];
}

const AMR: Readonly<Record<string, string>> = { password: 'pwd', totp: 'otp', passkey: 'hwk', recovery: 'otp' };

function claimsOf(user: User, fhirBase: string): AccountClaims {
  return {
    sub: user.id,
    name: user.displayName,
    preferred_username: user.name,
    fhirUser: `${fhirBase}/Practitioner/${user.id}`,
  };
}

const identityOf = (user: User) => ({
  userId: user.id,
  name: user.name,
  displayName: user.displayName,
  roles: user.roles as readonly Role[],
  wardIds: user.wardIds,
  tenantId: user.tenantId ?? DEFAULT_TENANT,
});

const CLIENT_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$/;

/** Apps and service accounts, as the provider reads them; it never writes them. */
function clientStore(clients: Pick<OAuthClients, 'find'>) {
  const refuse = () => Promise.reject(new Error('clients are registered by people'));
  return {
    async find(id: string) {
      // As `contracts/src/openid.ts` has it: what cannot be one is not looked for, since the database takes not every text.
      const client = CLIENT_ID.test(id) ? await clients.find(id) : undefined;
      return client === undefined || client.disabledAtMs !== undefined ? undefined : metadataOf(client);
    },
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    upsert: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

function metadataOf(client: OAuthClient): ClientMetadata {
  const isApp = client.kind === 'app';
  const scope = everyScope()
    .filter((one) => covers(client.scopes, one))
    .join(' ');
  const isNative = client.redirectUris.some((uri) => !uri.startsWith('https://'));
  return {
    client_id: client.id,
    client_name: client.name,
    application_type: isNative ? 'native' : 'web',
    redirect_uris: [...client.redirectUris],
    response_types: isApp ? ['code'] : [],
    grant_types: isApp ? ['authorization_code', 'refresh_token'] : ['client_credentials'],
    token_endpoint_auth_method: client.jwks === undefined ? 'none' : 'private_key_jwt',
    dpop_bound_access_tokens: client.mustProveKey === true,
    ...(isApp && { require_pushed_authorization_requests: client.mustPushRequests === true }),
    ...(client.jwks !== undefined && { jwks: client.jwks as NonNullable<ClientMetadata['jwks']> }),
    ...(scope !== '' && { scope }),
  };
}
