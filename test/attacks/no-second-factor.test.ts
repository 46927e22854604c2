import { generateKeyPairSync } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { startTestProgram, type TestProgram } from '../../server/src/apps/test-program.ts';
import type { Role } from '../../server/src/domain/access.ts';
import type { UserId, WardId } from '../../server/src/domain/ids.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import type { User } from '../../server/src/ports/accounts.ts';
import { createAuthenticator, type Lies } from './authenticator.ts';
import { createVisitor, PENDING, SESSION, type Visitor } from './visitor.ts';

/** Somebody who knows the password and has not the phone or the key: every way round the second factor. */
const PASSWORD = 'correct horse battery';
let program: TestProgram;
let passwordHash: string;

beforeAll(async () => {
  program = await startTestProgram([], {
    HEALTHSYNC_SECOND_FACTOR_ROLES: 'admin,privacy-officer,security',
    HEALTHSYNC_EMERGENCY_PROOF: 'second-factor',
  });
  passwordHash = (await createPasswords().hash(PASSWORD)) ?? expect.fail('busy');
}, 120_000);
afterAll(() => program?.stop());

let people = 0;
const visitor = (): Visitor => createVisitor(program.app);

async function person(...roles: readonly Role[]): Promise<User> {
  const name = `person${++people}`;
  const user = { id: `u-${name}` as UserId, name, displayName: name, roles, wardIds: [], passwordHash };
  await withOpenData(program.settings, Date.now, ({ accounts }) => accounts.putUser(user));
  return user;
}

const become = (user: User, ...roles: readonly Role[]) =>
  withOpenData(program.settings, Date.now, ({ accounts }) => accounts.putUser({ ...user, roles }));

const signIn = (browser: Visitor, { name }: User) => browser.ask('POST', '/api/session', { name, password: PASSWORD });

/** With a phone that shows codes. */
async function withTotp(...roles: readonly Role[]) {
  const user = await person(...roles);
  const browser = visitor();
  await signIn(browser, user);
  const { ticket, secret } = (await browser.ask('POST', '/api/session/factors/totp')).body;
  const confirmed = await browser.ask('POST', '/api/session/factors/totp/confirm', {
    ticket,
    code: code(secret),
    label: 'Phone',
  });
  expect(confirmed.status, confirmed.text).toBe(201);
  return { user, browser, secret: secret as string, recoveryCodes: confirmed.body.recoveryCodes as readonly string[] };
}

/** A step on, since the code that confirmed it was used by that. */
const code = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });

describe('a password alone', () => {
  it('opens no door of the whole interface, as whatever its pending secret is shown', async () => {
    const { user } = await withTotp('admin');
    const thief = visitor();
    expect((await signIn(thief, user)).status).toBe(202);
    const pending = thief.cookies.get(PENDING) ?? expect.fail('nothing is pending');
    const doors = program.app.routeList.filter(
      ({ method, config = {} }) => method !== 'HEAD' && (config.action !== undefined || config.signedIn === true),
    );
    expect(doors.length).toBeGreaterThan(100);
    // As it is at every door, and as another kind of secret at some.
    const tries = [
      ...doors.map((door) => [door, pending] as const),
      ...doors.slice(0, 10).map((door) => [door, pending.replace('hsp_', 'hss_')] as const),
      ...doors.slice(0, 10).map((door) => [door, pending.replace('hsp_', 'hst_')] as const),
    ];
    for (const [{ method, url }, shown] of tries) {
      const asker = visitor();
      asker.cookies.set(SESSION, shown).set(PENDING, pending);
      const path = url.replaceAll(/:\w+/g, 'x').replace('*', 'x');
      const { status } = await asker.ask([method].flat()[0] as string, path);
      expect(status, `${method} ${url}`).toBe(401);
    }
  }, 120_000);

  it('does not get past by the browser in which its owner signed in', async () => {
    const { user, browser } = await withTotp('nurse');
    const thief = visitor();
    for (const [name, value] of browser.cookies) if (/browser/.test(name)) thief.cookies.set(name, value);
    expect(thief.cookies.size).toBe(1);
    expect((await signIn(thief, user)).status).toBe(202);
    expect(thief.cookies.has(SESSION)).toBe(false);
  });

  it('adds no factor, makes no codes and takes none away while another must be shown', async () => {
    const { user, browser } = await withTotp('admin');
    const thief = visitor();
    await signIn(thief, user);
    for (const path of ['totp', 'passkey', 'check'])
      expect((await thief.ask('POST', `/api/session/factors/${path}`)).status).toBe(401);
    const { factors } = (await browser.ask('GET', '/api/session/factors')).body;
    expect((await thief.ask('DELETE', `/api/session/factors/${factors[0].id}`)).status).toBe(401);
    expect((await thief.ask('POST', '/api/session/recovery-codes')).status).toBe(401);
  });

  it('cannot confirm a factor that it began before its owner had one', async () => {
    const user = await person('admin');
    const [thief, owner] = [visitor(), visitor()];
    await signIn(thief, user);
    const begun = (await thief.ask('POST', '/api/session/factors/totp')).body;
    await signIn(owner, user);
    const own = (await owner.ask('POST', '/api/session/factors/totp')).body;
    const enrol = { ticket: own.ticket, code: code(own.secret), label: 'Phone' };
    expect((await owner.ask('POST', '/api/session/factors/totp/confirm', enrol)).status).toBe(201);
    const late = { ticket: begun.ticket, code: code(begun.secret), label: 'Mine' };
    expect((await thief.ask('POST', '/api/session/factors/totp/confirm', late)).status).toBe(401);
    expect((await owner.ask('GET', '/api/session/factors')).body.factors).toHaveLength(1);
  });

  it('that let somebody in ends once its owner enrols a factor elsewhere, who has shown that by it', async () => {
    const user = await person('nurse');
    const [owner, thief] = [visitor(), visitor()];
    for (const browser of [owner, thief]) expect((await signIn(browser, user)).status).toBe(200);
    const { ticket, secret } = (await owner.ask('POST', '/api/session/factors/totp')).body;
    const confirm = { ticket, code: code(secret), label: 'Phone' };
    expect((await owner.ask('POST', '/api/session/factors/totp/confirm', confirm)).status).toBe(201);
    expect((await thief.ask('GET', '/api/session')).status).toBe(401);
    expect((await owner.ask('GET', '/api/session')).body).toMatchObject({ secondFactorAt: expect.any(String) });
  });

  it('opens no record in an emergency: a second factor does, shown just now', async () => {
    const nurse = await person('nurse');
    const browser = visitor();
    expect((await signIn(browser, nurse)).status).toBe(200);
    await become({ ...nurse, wardIds: ['A' as WardId] }, 'nurse');
    const emergency = ['POST', '/api/break-glass', { patientId: 'PB', reason: 'found unconscious' }] as const;
    const refused = await browser.ask(...emergency);
    expect(refused.status, refused.text).toBe(403);
    expect(refused.body.code).toBe('second-factor-missing');
    const { ticket, secret } = (await browser.ask('POST', '/api/session/factors/totp')).body;
    await browser.ask('POST', '/api/session/factors/totp/confirm', { ticket, code: code(secret), label: 'Phone' });
    const opened = await browser.ask(...emergency);
    expect(opened.status, opened.text).toBe(201);
    expect(opened.body).toMatchObject({ patientId: 'PB', proof: 'second-factor' });
  });
  it('is exchanged for no token', async () => {
    const { user } = await withTotp('nurse');
    const grants = [
      'password',
      'implicit',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:openid:params:grant-type:ciba',
    ];
    for (const grant of grants) {
      const form = new URLSearchParams({
        grant_type: grant,
        username: user.name,
        password: PASSWORD,
        client_id: 'any',
      });
      const answer = await program.app.inject({
        method: 'POST',
        url: '/oidc/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded', host: 'localhost' },
        payload: `${form}`,
      });
      expect(answer.statusCode, grant).toBeGreaterThanOrEqual(400);
      expect(answer.payload, grant).not.toContain('access_token');
    }
  });

  it('comes with an invitation no further than without', async () => {
    const { user } = await withTotp('nurse');
    const admin = await withTotp('admin');
    const { body } = await admin.browser.ask('POST', `/api/users/${user.id}/invitation`);
    const thief = visitor();
    const accepted = await thief.ask('POST', '/api/invitations/accept', {
      code: body.path.split('#')[1],
      password: 'another good passphrase',
    });
    expect(accepted.status).toBe(202);
    expect(thief.cookies.has(SESSION)).toBe(false);
  });
});

describe('what was shown once', () => {
  it('is not shown twice: a code, a recovery code', async () => {
    const { user, secret, recoveryCodes } = await withTotp('admin');
    for (const answer of [
      { kind: 'totp', code: code(secret, 1) },
      { kind: 'recovery', code: recoveryCodes[0] },
    ]) {
      const [first, second] = [visitor(), visitor()];
      await signIn(first, user);
      await signIn(second, user);
      expect((await first.ask('POST', '/api/session/second-factor', answer)).status).toBe(200);
      expect((await second.ask('POST', '/api/session/second-factor', answer)).status).toBe(401);
    }
  });

  it('long ago does not count for what is to be shown afresh', async () => {
    const { user, browser } = await withTotp('admin');
    const old = visitor();
    const longAgo = Date.now() - 11 * 60_000;
    const { secret } = await withOpenData(program.settings, Date.now, ({ accounts }) =>
      createSessions({ accounts, now: () => longAgo }).open(user, { factors: ['password', 'totp'], mfaAtMs: longAgo }),
    );
    old.cookies.set(SESSION, secret);
    const { factors } = (await browser.ask('GET', '/api/session/factors')).body;
    const other = await person('nurse');
    const stale = [
      ['DELETE', `/api/session/factors/${factors[0].id}`],
      ['POST', '/api/session/recovery-codes'],
      ['POST', '/api/session/factors/totp'],
      ['POST', '/api/me/keys', { label: 'x', scopes: ['*'], days: 1 }],
      ['POST', '/api/users', { name: 'newbie', displayName: 'New', roles: ['admin'] }],
      ['PATCH', `/api/users/${other.id}`, { revision: 1, roles: ['admin'] }],
      ['POST', `/api/users/${other.id}/invitation`],
      ['POST', `/api/users/${other.id}/reset-factors`],
    ] as const;
    for (const [method, url, body] of stale)
      expect((await old.ask(method, url, body)).body, url).toMatchObject({ status: 403, code: 'fresh-proof-needed' });
    // The password is no second factor, however fresh.
    await old.ask('POST', '/api/session/step-up', { kind: 'password', password: PASSWORD });
    expect((await old.ask('POST', '/api/session/recovery-codes')).body.code).toBe('fresh-proof-needed');
  });
});

describe('what was let in by a password, once a role demands more', () => {
  it('is out: the session, and a key made with it', async () => {
    const user = await person('nurse');
    const browser = visitor();
    await signIn(browser, user);
    const { token } = (await browser.ask('POST', '/api/me/keys', { label: 'script', scopes: ['*'], days: 90 })).body;
    const asKey = { authorization: `Bearer ${token}` };
    expect((await visitor().ask('GET', '/api/wards', undefined, asKey)).status).toBe(200);
    await become(user, 'nurse', 'admin');
    await expect.poll(async () => (await browser.ask('GET', '/api/session')).status).toBe(401);
    await expect.poll(async () => (await visitor().ask('GET', '/api/users', undefined, asKey)).status).toBe(401);
  });

  it('goes on where a second factor was shown when it was made', async () => {
    const { user, browser } = await withTotp('admin');
    const { token } = (await browser.ask('POST', '/api/me/keys', { label: 'script', scopes: ['user.read'], days: 90 }))
      .body;
    await become(user, 'admin', 'security');
    const asKey = { authorization: `Bearer ${token}` };
    expect((await visitor().ask('GET', '/api/users', undefined, asKey)).status).toBe(200);
  });
});

describe('a passkey', () => {
  const home = { origin: 'https://localhost', rpId: 'localhost' };

  async function withPasskey() {
    const user = await person('admin');
    const [browser, key] = [visitor(), createAuthenticator(home)];
    await signIn(browser, user);
    const asked = (await browser.ask('POST', '/api/session/factors/passkey')).body;
    const made = key.create(asked.options.challenge);
    const answer = await browser.ask('POST', '/api/session/factors/passkey/confirm', {
      ticket: asked.ticket,
      response: made,
      label: 'Key',
    });
    expect(answer.status, answer.text).toBe(201);
    return { user, key };
  }

  it('opens the door for who was verified by it', async () => {
    const { key } = await withPasskey();
    const browser = visitor();
    const { ticket, options } = (await browser.ask('POST', '/api/session/passkey-options')).body;
    const opened = await browser.ask('POST', '/api/session/passkey', { ticket, response: key.get(options.challenge) });
    expect(opened.status, opened.text).toBe(200);
  });

  it('opens nothing alone for whom another provider vouches: that one may have shut them out', async () => {
    const { user, key } = await withPasskey();
    await withOpenData(program.settings, Date.now, ({ database }) =>
      database.pool.query(`update app_user set source = 'federated' where id = $1`, [user.id]),
    );
    const browser = visitor();
    const alone = (await browser.ask('POST', '/api/session/passkey-options')).body;
    const tried = { ticket: alone.ticket, response: key.get(alone.options.challenge) };
    expect((await browser.ask('POST', '/api/session/passkey', tried)).status).toBe(401);
    await signIn(browser, user);
    const asked = (await browser.ask('POST', '/api/session/passkey-options')).body;
    const answer = { kind: 'passkey', ticket: asked.ticket, response: key.get(asked.options.challenge) };
    expect((await browser.ask('POST', '/api/session/second-factor', answer)).status).toBe(200);
  });

  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  it.each<[what: string, lies: Lies]>([
    ['nobody was asked for a PIN or a finger', { isUnverified: true }],
    ['it was made on another site', { origin: 'https://localhost.evil.example' }],
    ['it was made for another name', { rpId: 'evil.example' }],
    ['another key signed', { key: stranger }],
    ['it was made for enrolling', { type: 'webauthn.create' }],
  ])('opens nothing where %s, neither alone nor after the password', async (_what, lies) => {
    const { user, key } = await withPasskey();
    const browser = visitor();
    const alone = (await browser.ask('POST', '/api/session/passkey-options')).body;
    const tried = { ticket: alone.ticket, response: key.get(alone.options.challenge, lies) };
    expect((await browser.ask('POST', '/api/session/passkey', tried)).status).toBe(401);
    await signIn(browser, user);
    const asked = (await browser.ask('POST', '/api/session/passkey-options')).body;
    const answer = { kind: 'passkey', ticket: asked.ticket, response: key.get(asked.options.challenge, lies) };
    expect((await browser.ask('POST', '/api/session/second-factor', answer)).status).toBe(401);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });

  it('is asked for at no other port of our name, where somebody else may listen who brings the answer here', async () => {
    const ask = async (host: string) =>
      (await program.call(undefined, 'POST', '/api/session/passkey-options', {}, { host })).status;
    expect(await ask(new URL(program.https).host)).toBe(200);
    for (const host of ['localhost:9', 'localhost', 'LOCALHOST:9']) expect(await ask(host), host).toBe(409);
  });

  it('is not enrolled where nobody was asked for a PIN or a finger', async () => {
    const browser = visitor();
    await signIn(browser, await person('admin'));
    const { ticket, options } = (await browser.ask('POST', '/api/session/factors/passkey')).body;
    const response = createAuthenticator(home).create(options.challenge, { isUnverified: true });
    const answer = await browser.ask('POST', '/api/session/factors/passkey/confirm', {
      ticket,
      response,
      label: 'Key',
    });
    expect(answer.status).toBe(422);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });

  it('opens nothing a second time by the same answer, nor as a copy that counts behind', async () => {
    const { key } = await withPasskey();
    const { ticket, options } = (await visitor().ask('POST', '/api/session/passkey-options')).body;
    const answer = { ticket, response: key.get(options.challenge, { counter: 50 }) };
    expect((await visitor().ask('POST', '/api/session/passkey', answer)).status).toBe(200);
    expect((await visitor().ask('POST', '/api/session/passkey', answer)).status).toBe(401);
    const again = (await visitor().ask('POST', '/api/session/passkey-options')).body;
    const copy = { ticket: again.ticket, response: key.get(again.options.challenge, { counter: 10 }) };
    expect((await visitor().ask('POST', '/api/session/passkey', copy)).status).toBe(401);
  });
});
