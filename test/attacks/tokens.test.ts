import { createHash, createPublicKey, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresOAuthClients } from '../../server/src/adapters/postgres/oauth-clients.ts';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { startTestProgram, type TestProgram } from '../../server/src/apps/test-program.ts';
import { DEFAULT_TENANT, type TenantId, type UserId } from '../../server/src/domain/ids.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import type { OAuthClient } from '../../server/src/ports/oauth-clients.ts';
import { createVisitor, SESSION } from './visitor.ts';

/** What proves who somebody is: stolen, forged, planted, shown again, shown too late, shown in the wrong place. */
const PASSWORD = 'correct horse battery';
let program: TestProgram;
const service = await generateKeyPair('ES384', { extractable: true });

beforeAll(async () => {
  program = await startTestProgram([
    { name: 'admin', roles: ['admin'], wardIds: [] },
    { name: 'noor', roles: ['nurse'], wardIds: ['A'] },
    { name: 'hal', roles: ['physician'], wardIds: [] },
  ]);
  const passwordHash = (await createPasswords().hash(PASSWORD)) ?? expect.fail('busy');
  await withOpenData(program.settings, Date.now, async ({ accounts, database }) => {
    const noor = (await accounts.findUser('noor')) ?? expect.fail('nobody');
    await accounts.putUser({ ...noor, passwordHash });
    await new PostgresOAuthClients(database).add({
      id: 'lab-feed',
      kind: 'service',
      name: 'Laboratory',
      redirectUris: [],
      jwks: { keys: [{ ...(await exportJWK(service.publicKey)), kid: 'k1', alg: 'ES384' }] },
      scopes: ['alarm.read'],
      roles: ['integration'],
      wardIds: [],
      tenantId: DEFAULT_TENANT,
      createdAtMs: Date.now(),
      createdBy: 'test',
    });
  });
}, 120_000);
afterAll(() => program?.stop());

const visitor = () => createVisitor(program.app);
const whoIs = async (headers: Readonly<Record<string, string>>, url = '/api/session') =>
  (await visitor().ask('GET', url, undefined, headers)).status;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a session', () => {
  it('is another one than was planted, at every step, and what was planted opens nothing', async () => {
    const browser = visitor();
    const planted = `hss_${randomBytes(32).toString('base64url')}`;
    browser.cookies.set(SESSION, planted);
    expect((await browser.ask('POST', '/api/session', { name: 'noor', password: PASSWORD })).status).toBe(200);
    const first = browser.cookies.get(SESSION);
    expect(first).not.toBe(planted);
    await browser.ask('POST', '/api/session', { name: 'noor', password: PASSWORD });
    expect(browser.cookies.get(SESSION)).not.toBe(first);
    // The one before is over with that: nobody holds it any more but who has copied it.
    for (const old of [planted, first]) expect(await whoIs({ cookie: `${SESSION}=${old}` })).toBe(401);
  });

  it('comes in cookies that no script reads, no other site sends, and no page without TLS sets', async () => {
    const browser = visitor();
    await browser.ask('POST', '/api/session', { name: 'noor', password: PASSWORD });
    await browser.ask('DELETE', '/api/session');
    expect(browser.given.length).toBeGreaterThan(2);
    for (const line of browser.given) {
      expect(line).toMatch(/^__Host-[\w-]+=/);
      for (const said of [/; Secure/, /; HttpOnly/, /; SameSite=Strict/, /; Path=\//]) expect(line).toMatch(said);
      expect(line).not.toMatch(/Domain=/);
    }
    // Under its bare name, as a page without TLS could have set it, it is nobody's.
    await browser.ask('POST', '/api/session', { name: 'noor', password: PASSWORD });
    expect(await whoIs({ cookie: `healthsync=${browser.cookies.get(SESSION)}` })).toBe(401);
  });

  it('is over once its owner signs out, wherever a copy of it is shown', async () => {
    const browser = visitor();
    await browser.ask('POST', '/api/session', { name: 'noor', password: PASSWORD });
    const stolen = browser.cookies.get(SESSION) ?? '';
    expect([await whoIs({ cookie: `${SESSION}=${stolen}` }), await whoIs(bearer(stolen))]).toEqual([200, 200]);
    expect((await browser.ask('DELETE', '/api/session')).status).toBe(204);
    expect([await whoIs({ cookie: `${SESSION}=${stolen}` }), await whoIs(bearer(stolen))]).toEqual([401, 401]);
  });

  it('is shown by nothing that stands in an address, a log or the database', async () => {
    const secret = program.secretOf('noor');
    const sha256 = createHash('sha256').update(secret);
    const [hex, base64] = [sha256.copy().digest('hex'), sha256.digest('base64url')];
    for (const url of [`?access_token=${secret}`, `?token=${secret}`, `?session=${secret}`])
      expect(await whoIs({}, `/api/session${url}`)).toBe(401);
    for (const shown of [
      hex,
      base64,
      `hss_${hex.slice(0, 43)}`,
      `hss_${base64}`,
      secret.slice(0, -1),
      `${secret}A`,
      secret.toUpperCase(),
    ])
      expect(await whoIs(bearer(shown)), shown).toBe(401);
    for (const scheme of ['Basic', 'Digest', 'Token', 'bearer,'])
      expect(await whoIs({ authorization: `${scheme} ${secret}` }), scheme).toBe(401);
    expect(await whoIs({ 'x-api-key': secret, 'x-auth-token': secret })).toBe(401);
  });
});

describe('what somebody was given', () => {
  it('is worth nothing once they are disabled, and nothing again when they are enabled: session, key', async () => {
    const user = { id: 'u-leaver' as UserId, name: 'leaver', displayName: 'L', roles: ['nurse' as const], wardIds: [] };
    const secrets = await withOpenData(program.settings, Date.now, async ({ accounts }) => {
      await accounts.putUser(user);
      const sessions = createSessions({ accounts, now: Date.now });
      return [(await sessions.open(user)).secret, (await sessions.createApiToken(user, 3_600_000)).secret];
    });
    for (const secret of secrets) expect(await whoIs(bearer(secret))).toBe(200);
    const admin = visitor();
    admin.cookies.set(SESSION, program.secretOf('admin'));
    const change = async (disabled: boolean) => {
      const { revision } = (await admin.ask('GET', '/api/users/u-leaver')).body;
      expect((await admin.ask('PATCH', '/api/users/u-leaver', { revision, disabled })).status).toBe(200);
    };
    await change(true);
    for (const secret of secrets) expect(await whoIs(bearer(secret))).toBe(401);
    await change(false);
    for (const secret of secrets) expect(await whoIs(bearer(secret))).toBe(401);
  });
});

describe('a signed token', () => {
  const issuer = () => program.https;
  const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = (more: object = {}) => ({
    iss: 'lab-feed',
    sub: 'lab-feed',
    aud: `${issuer()}/oidc`,
    jti: randomBytes(12).toString('hex'),
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 60,
    ...more,
  });

  async function present(assertion: string, more: Readonly<Record<string, string>> = {}, headers: object = {}) {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'alarm.read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...more,
    });
    const answer = await program.app.inject({
      method: 'POST',
      url: '/oidc/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: 'localhost', ...headers },
      payload: `${form}`,
    });
    return { status: answer.statusCode, ...(JSON.parse(answer.payload) as { access_token?: string; error?: string }) };
  }
  const rightly = (more: object = {}) => sign(claims(more));
  const sign = (payload: object, header: object = {}, key: typeof service.privateKey = service.privateKey) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: 'ES384', kid: 'k1', ...header }).sign(key);

  it('is taken where it is right, once', async () => {
    const assertion = await rightly();
    const { access_token = '' } = await present(assertion);
    expect(await whoIs(bearer(access_token), '/api/alerts')).toBe(200);
    expect(await present(assertion)).toMatchObject({ error: 'invalid_client' });
  });

  it('is not taken unsigned, signed with what is public, or by a key of its own choosing', async () => {
    const other = await generateKeyPair('ES384', { extractable: true });
    const publicJwk = await exportJWK(service.publicKey);
    const pem = createPublicKey({ key: publicJwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const symmetric = (secret: string) =>
      new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(Buffer.from(secret));
    const chosen: JWK = { ...(await exportJWK(other.publicKey)), kid: 'k1' };
    const forged: readonly (readonly [what: string, token: string | Promise<string>])[] = [
      ['unsigned', `${base64({ alg: 'none' })}.${base64(claims())}.`],
      ['unsigned, in another case', `${base64({ alg: 'nOnE', kid: 'k1' })}.${base64(claims())}.`],
      ['with the public key as a shared secret', symmetric(String(pem))],
      ['with the public JWK as a shared secret', symmetric(JSON.stringify(publicJwk))],
      ['with the client’s id as a secret', symmetric('lab-feed'.padEnd(32))],
      ['with a key it brings along', sign(claims(), { jwk: chosen }, other.privateKey)],
      ['with a key it says where to fetch', sign(claims(), { jku: 'https://evil.example/jwks' }, other.privateKey)],
      [
        'with a certificate it says where to fetch',
        sign(claims(), { x5u: 'https://evil.example/cert' }, other.privateKey),
      ],
      ['with a key of a file', sign(claims(), { kid: '../../../../dev/null' }, other.privateKey)],
      ['with a key by injection', sign(claims(), { kid: "k1' or '1'='1" }, other.privateKey)],
      ['cut off', rightly().then((token) => token.slice(0, token.lastIndexOf('.') + 1))],
      [
        'with another’s signature',
        Promise.all([rightly(), rightly()]).then(
          ([a, b]) => `${a.slice(0, a.lastIndexOf('.'))}${b.slice(b.lastIndexOf('.'))}`,
        ),
      ],
    ];
    for (const [what, token] of forged)
      expect(await present(await token), what).toMatchObject({ error: 'invalid_client' });
  });

  it('is not taken for somebody else, elsewhere, before its time or after it', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    for (const [what, more] of [
      ['for another client', { sub: 'somebody-else' }],
      ['of another issuer', { iss: 'somebody-else' }],
      ['for another server', { aud: 'https://evil.example/oidc' }],
      ['ended', { exp: seconds - 120 }],
      ['without end', { exp: undefined }],
      ['not yet begun', { nbf: seconds + 600 }],
      ['without a number of its own', { jti: undefined }],
    ] as const)
      expect(await present(await rightly(more)), what).toMatchObject({ error: 'invalid_client' });
    expect(await present(await rightly(), { client_id: 'somebody-else' })).toMatchObject({ error: expect.any(String) });
  });

  it('that we signed ourselves, or might have, opens no door of the interface', async () => {
    const { keys } = (await visitor().ask('GET', '/oidc/jwks')).body as { readonly keys: readonly JWK[] };
    expect(keys.length).toBeGreaterThan(0);
    expect(JSON.stringify(keys)).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/);
    const admin = { sub: 'u-admin', iss: `${issuer()}/oidc`, aud: issuer(), scope: '*', exp: 9_999_999_999 };
    const tokens = [`${base64({ alg: 'none' })}.${base64(admin)}.`, await sign(admin)];
    for (const jwk of keys) {
      const key = createPublicKey({ key: jwk as never, format: 'jwk' });
      for (const secret of [String(key.export({ type: 'spki', format: 'pem' })), JSON.stringify(jwk)])
        tokens.push(
          await new SignJWT(admin).setProtectedHeader({ alg: 'HS256', kid: jwk.kid ?? '' }).sign(Buffer.from(secret)),
        );
    }
    for (const token of tokens)
      for (const url of ['/api/session', '/api/users', '/oidc/me', '/scim/v2/Users'])
        expect(await whoIs(bearer(token), url)).toBe(401);
  });

  it('brings one that is bound to a key, and worth nothing without that key, or as another kind of token', async () => {
    const [own, thief] = await Promise.all([1, 2].map(() => generateKeyPair('ES256', { extractable: true })));
    if (own === undefined || thief === undefined) return expect.fail('no keys');
    const proof = async (htm: string, htu: string, token?: string, { privateKey, publicKey } = own) =>
      new SignJWT({
        htm,
        htu,
        ...(token !== undefined && { ath: createHash('sha256').update(token).digest('base64url') }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: (await exportJWK(publicKey)) as never })
        .setJti(randomBytes(12).toString('hex'))
        .setIssuedAt()
        .sign(privateKey);
    // Asked without a socket, the provider takes it for one without TLS.
    const dpop = await proof('POST', `${issuer().replace('https:', 'http:')}/oidc/token`);
    const { access_token: bound = '' } = await present(await rightly(), {}, { dpop });
    const { access_token: plain = '' } = await present(await rightly());
    const url = 'https://localhost/api/alerts';
    const ask = (authorization: string, dpop?: string) =>
      whoIs({ authorization, ...(dpop !== undefined && { dpop }) }, '/api/alerts?state=active');
    const first = await proof('GET', url, bound);
    expect(await ask(`DPoP ${bound}`, first)).toBe(200);
    expect(await ask(`dpop ${bound}`, await proof('GET', `${issuer()}/api/alerts`, bound))).toBe(200);
    for (const [what, authorization, shown] of [
      ['the same proof again', `DPoP ${bound}`, first],
      ['no proof', `DPoP ${bound}`, undefined],
      ['as if whoever has it were who it is for', `Bearer ${bound}`, await proof('GET', url, bound)],
      ['by another key', `DPoP ${bound}`, await proof('GET', url, bound, thief)],
      ['for another address', `DPoP ${bound}`, await proof('GET', 'https://localhost/api/users', bound)],
      ['two proofs', `DPoP ${bound}`, `${await proof('GET', url, bound)}, ${await proof('GET', url, bound)}`],
      ['one that was bound to no key', `DPoP ${plain}`, await proof('GET', url, plain)],
    ] as const)
      expect(await ask(authorization, shown), what).toBe(401);
    expect(await whoIs({ cookie: `${SESSION}=${bound}` }, '/api/alerts')).toBe(401);
    // What somebody got at an address of their own is shown here under that address.
    for (const host of ['6.6.6.6', '[2606:4700::6]:8443', 'localhost:9'])
      expect(
        (
          await program.call(undefined, 'GET', '/api/alerts', undefined, {
            host,
            authorization: `DPoP ${bound}`,
            dpop: await proof('GET', `https://${host}/api/alerts`, bound),
          })
        ).status,
        host,
      ).toBe(401);
    const here = `${program.https}/api/alerts`;
    const shownHere = { authorization: `DPoP ${bound}`, dpop: await proof('GET', here, bound) };
    expect((await program.call(undefined, 'GET', '/api/alerts', undefined, shownHere)).status).toBe(200);
  });

  it('of a service that was disabled is nobody’s, also one given before', async () => {
    const { access_token = '' } = await present(await rightly());
    const admin = visitor();
    admin.cookies.set(SESSION, program.secretOf('admin'));
    expect((await admin.ask('DELETE', '/api/clients/lab-feed')).status).toBe(204);
    expect(await whoIs(bearer(access_token), '/api/alerts')).toBe(401);
    expect(await present(await rightly())).toMatchObject({ error: 'invalid_client' });
  });
});

describe('an app', () => {
  const app = (id: string, tenantId: string): OAuthClient => ({
    id,
    kind: 'app',
    name: id,
    redirectUris: ['https://app.example/back'],
    scopes: ['openid'],
    roles: [],
    wardIds: [],
    tenantId: tenantId as TenantId,
    createdAtMs: Date.now(),
    createdBy: 'test',
  });

  it('of another organisation is not offered to anybody, whoever passes its link on', async () => {
    await withOpenData(program.settings, Date.now, async ({ database, tenants }) => {
      await tenants.add({ id: 'north' as TenantId, name: 'North' });
      for (const one of [app('chart', DEFAULT_TENANT), app('northern', 'north')])
        await new PostgresOAuthClients(database).add(one);
    });
    const asked = async (clientId: string) => {
      const query = new URLSearchParams({
        ...{ client_id: clientId, response_type: 'code', scope: 'openid', redirect_uri: 'https://app.example/back' },
        ...{ state: 's', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
      });
      const begun = await program.open(undefined, `/oidc/auth?${query}`);
      begun.resume();
      const begunHere = (begun.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]);
      const cookie = [...begunHere, `${SESSION}=${program.secretOf('noor')}`].join('; ');
      const page = new URL(begun.headers.location ?? '', program.https).pathname;
      const question = await program.call(undefined, 'GET', `${page}/question`, undefined, { cookie });
      const headers = { cookie, 'sec-fetch-site': 'same-origin' };
      const answer = await program.call(undefined, 'POST', `${page}/answer`, { allow: true }, headers);
      return [question.status, answer.status];
    };
    expect(await asked('chart')).toEqual([200, 200]);
    expect(await asked('northern')).toEqual([409, 409]);
  });

  it('opened for one patient is told whom, and gets this one alone, whatever its person may see', async () => {
    await withOpenData(program.settings, Date.now, ({ database }) =>
      new PostgresOAuthClients(database).add({
        ...app('reader', DEFAULT_TENANT),
        scopes: ['openid', 'launch', 'patient.read'],
      }),
    );
    const verifier = randomBytes(32).toString('base64url');
    const { launch } = (await program.call('hal', 'POST', '/api/app-launches', { patientId: 'PA' })).body;
    const redirect = { client_id: 'reader', redirect_uri: 'https://app.example/back' };
    const query = new URLSearchParams({
      ...{ ...redirect, response_type: 'code', scope: 'openid launch patient.read', state: 's', launch },
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const begun = await program.open(undefined, `/oidc/auth?${query}`);
    begun.resume();
    const begunHere = (begun.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]);
    const cookie = [...begunHere, `${SESSION}=${program.secretOf('hal')}`].join('; ');
    const page = new URL(begun.headers.location ?? '', program.https).pathname;
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const { location } = (await program.call(undefined, 'POST', `${page}/answer`, { allow: true }, headers)).body;
    const back = await program.call(undefined, 'GET', new URL(location).pathname, undefined, { cookie });
    const code = new URL(back.headers['location'] ?? '').searchParams.get('code') ?? '';
    const form = { ...redirect, grant_type: 'authorization_code', code, code_verifier: verifier };
    const { payload } = await program.app.inject({
      method: 'POST',
      url: '/oidc/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: 'localhost' },
      payload: `${new URLSearchParams(form)}`,
    });
    const token = JSON.parse(payload) as { readonly access_token: string; readonly patient: string };
    expect(token).toMatchObject({ patient: 'PA', scope: 'openid launch patient.read' });
    const paths = ['/api/patients/PA', '/api/patients/PB', '/api/patients?ward=A', '/api/patients?ward=B'];
    const seen = async (secret: string) => Promise.all(paths.map((path) => whoIs(bearer(secret), path)));
    expect(await seen(program.secretOf('hal'))).toEqual([200, 200, 200, 200]);
    expect(await seen(token.access_token)).toEqual([200, 404, 403, 403]);
  });

  /** RFC 9700 4.1, 4.5, 4.8; each spoils one parameter of a request that is right. */
  const SPOILED: Readonly<Record<string, readonly (string | undefined)[]>> = {
    redirect_uri: [
      undefined,
      ...['/', '/evil', '?a=b', '#a', '%2f', '%00', '/../back', '.evil.example', '@evil.example'].map(
        (end) => `https://app.example/back${end}`,
      ),
      ...['http://app.example/back', 'https://app.example:443/back', 'https://APP.example/back', '//app.example/back'],
      ...['https://app.example/Back', 'https://app.example\\@evil.example/back', 'https://evil.example/back', '/back'],
      ...['javascript:alert(1)//https://app.example/back', 'https://app.example/back https://evil.example/'],
      ...['https://u:p@app.example/back', 'https://app.example./back', ' https://app.example/back', ''],
    ],
    client_id: [undefined, '', 'chart ', 'CHART', 'lab-feed', '*', '__proto__', 'https://evil.example'],
  };
  const REFUSED: Readonly<Record<string, readonly (string | undefined)[]>> = {
    response_type: [undefined, 'token', 'id_token', 'code token', 'code id_token', 'none', 'Code'],
    response_mode: ['form_post', 'fragment', 'web_message', 'query.jwt', 'jwt'],
    code_challenge: [undefined, '', 'short', `${'x'.repeat(42)}=`],
    code_challenge_method: [undefined, 'plain', 'none', 's256'],
    scope: ['openid user.write', 'openid *', 'openid system/*.read'],
    request: ['eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9.'],
    request_uri: ['https://evil.example/request', 'urn:ietf:params:oauth:request_uri:guessed'],
    aud: ['https://evil.example/fhir'],
    registration: ['{"redirect_uris":["https://evil.example"]}'],
  };

  it('is answered at the address it was registered with and at no other, and asks as it was registered or not at all', async () => {
    const ask = async (change: (query: URLSearchParams) => void) => {
      const query = new URLSearchParams({
        ...{ client_id: 'chart', response_type: 'code', scope: 'openid', redirect_uri: 'https://app.example/back' },
        ...{ state: 's', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
      });
      change(query);
      const { status, headers, raw } = await program.call(undefined, 'GET', `/oidc/auth?${query}`);
      return { status, location: headers['location'] ?? '', page: raw };
    };
    const spoil = (name: string, value: string | undefined) => (query: URLSearchParams) =>
      value === undefined ? query.delete(name) : query.set(name, value);
    expect(await ask(() => {})).toMatchObject({ status: 303, location: expect.stringMatching(/^\/authorize\//) });
    // Whose it is or where to is in doubt: nobody is sent anywhere.
    for (const [name, values] of Object.entries(SPOILED))
      for (const value of values)
        expect(await ask(spoil(name, value)), `${name} ${value}`).toMatchObject({ status: 400, location: '' });
    for (const name of ['redirect_uri', 'client_id'])
      expect(await ask((query) => query.append(name, 'https://evil.example')), name).toMatchObject({
        status: 400,
        location: '',
      });
    // What it asks for is told to the app itself, and no person is asked.
    for (const [name, values] of Object.entries(REFUSED))
      for (const value of values) {
        const { status, location, page } = await ask(spoil(name, value));
        expect(location, `${name} ${value}`).not.toMatch(/\/authorize\/|[?&#]code=|evil/);
        if (status < 400) expect(location, `${name} ${value}`).toMatch(/^https:\/\/app\.example\/back[?#]error=/);
        expect(page, `${name} ${value}`).not.toContain('evil');
      }
  });
});

describe('a device’s token', () => {
  it('is nobody’s at the doors of people, and a person’s is no device’s', async () => {
    const device = `hsd_${randomBytes(32).toString('base64url')}`;
    expect(await whoIs(bearer(device))).toBe(401);
    const answer = await visitor().ask('POST', '/ingest/readings', {}, bearer(program.secretOf('admin')));
    expect(answer.status).toBe(401);
  });
});
