import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditPage, AuditRecord, AuditRoutes } from '@healthsync/contracts/audit';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Secret, TOTP } from 'otpauth';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estOf, mqttOf } from '../../server/src/apps/test-est-device.ts';
import type { Role } from '../../server/src/domain/access.ts';
import { newDeviceKey } from '../../server/src/simulation/device-key.ts';
import { barOf, firstPage, mayOpen, PAGES, type PageLink } from '../../web/src/pages.ts';
import { openBrowser } from './browser.ts';
import { type Furnished, furnish } from './house.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';
import { type WatchedPage, watchedPage } from './watched-page.ts';
import { buildWeb } from './web-page.ts';
import { actionsOf } from './web-roles.ts';

const PASSWORD = 'correct horse battery staple';
const NAMES = /Featherstone|حسن|Haddad/;
/** Those that a person has, with the longest name, and one that is written from right to left. */
const PEOPLE = [
  { name: 'nora', role: 'nurse', displayName: 'نورة الشامسي', ward: 'w3' },
  { name: 'cora', role: 'charge-nurse', displayName: 'Cora Lind', ward: 'w3' },
  { name: 'paul', role: 'physician', displayName: `Prof. Dr. Paul ${'Hohenlohe-'.repeat(8)}L`, ward: 'w3' },
  { name: 'olga', role: 'operator', displayName: 'Olga Ruiz' },
  { name: 'adam', role: 'admin', displayName: 'Adam Novak' },
  { name: 'anton', role: 'analyst', displayName: 'Anton Weiss' },
  { name: 'priya', role: 'privacy-officer', displayName: 'Priya Rao' },
  { name: 'sam', role: 'security', displayName: 'Sam Oduya' },
  { name: 'screen', role: 'kiosk', displayName: 'Screen of ward 3', ward: 'w3' },
] as const satisfies readonly { name: string; role: Role; displayName: string; ward?: string }[];
/** An account that somebody made for a system, as if it were a person's. */
const SYSTEM = { name: 'feed', role: 'integration', displayName: 'Laboratory feed' } as const;
/** As installed. */
const WITH_SECOND_FACTOR: readonly string[] = ['admin', 'privacy-officer', 'security'];
/**
 * Pages that are not their work, though what they are made of is open to them: a screen shows alarms and works on none;
 * whoever reads rules may know what is proposed.
 */
const OPEN_DOORS: readonly string[] = [
  'kiosk /alarms',
  'nurse /approvals',
  'operator /approvals',
  'analyst /approvals',
];

let browser: Browser | undefined;
let home: Installation;
let server: RunningServer;
let furnished: Furnished;
/** What the pages asked for and got, by its path without ids: what a stranger asks for next. */
const opened = new Map<string, string>();

beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
  if (browser === undefined) return;
  home = await install({ HEALTHSYNC_SERVER_NAMES: 'localhost' });
  server = await home.start();
  furnished = await furnish(home, {
    password: PASSWORD,
    people: [...PEOPLE, SYSTEM],
    scripts: ['security'],
    beds: [
      { bed: 'w3-01', familyName: 'Featherstone', givenName: 'Robin' },
      { bed: 'w3-02', familyName: 'حسن\u200e', givenName: 'ليلى' },
      { bed: 'w4-01', familyName: 'Haddad', givenName: 'Noor' },
    ],
  });
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await home?.remove();
});

async function audit(query: string): Promise<readonly AuditRecord[]> {
  const token = furnished.scriptTokens.get('security') ?? '';
  const { status, body } = await home.fetch(`/api/audit?limit=500&${query}`, { token });
  expect(status).toBe(200);
  return (body as AuditPage).entries;
}
const denials = async (query: string) => (await audit(`outcome=denied&${query}`)).map((entry) => entry.correlationId);

/** By the page, as a person does, through the second factor where the role needs one. */
async function signIn(page: Page, { name, role }: (typeof PEOPLE)[number]): Promise<void> {
  await page.goto(`${server.https}/`);
  await page.locator('input[name=name]').fill(name);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  if (WITH_SECOND_FACTOR.includes(role)) {
    await page.getByRole('button', { name: 'Use codes from an app' }).click();
    const secret = (await page.locator('code.secret').textContent())?.replace(/\s/g, '') ?? '';
    await page.locator('input[name=code]').fill(new TOTP({ secret: Secret.fromBase32(secret) }).generate());
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('button', { name: 'I have kept them' }).click();
  }
  await page.locator('.bar-nav').waitFor();
}

/** The browser tells of every refusal by itself: 401 before anybody has signed in, 403 where one may not. */
const beyond = (complaints: readonly string[], ...statuses: readonly number[]): readonly string[] =>
  complaints.filter(
    (text) => !statuses.some((status) => text.includes(`the server responded with a status of ${status}`)),
  );

/** Where its menu says. */
async function openByMenu({ page, settled }: WatchedPage, { to, label }: PageLink): Promise<void> {
  const bar = page.locator('.bar-nav').getByRole('link', { name: label, exact: true });
  if ((await bar.count()) > 0) await bar.click();
  else {
    await page.locator('.bar-more').click();
    await page.getByRole('menuitem', { name: new RegExp(`^${label.replace('?', '\\?')}`) }).click();
  }
  await page.waitForURL(`**${to}`);
  await settled();
}

describe.each(PEOPLE)('$role, in the browser', (person) => {
  const may = (action: string) => actionsOf(person.role).includes(action);

  it('gets by the menu what is theirs, and by address nothing else; who tried is in the audit', async (context) => {
    if (browser === undefined) return context.skip();
    const watched = await watchedPage(browser, server.https);
    context.onTestFinished(watched.close);
    const { page, seen, complaints } = watched;
    await signIn(page, person);
    await page.waitForURL(`**${firstPage(may)}`);
    await watched.settled();

    const { bar, more } = barOf(may);
    expect([...bar, ...more].length).toBe(PAGES.filter((one) => mayOpen(one, may)).length);
    for (const link of [...bar, ...more]) {
      seen.length = 0;
      await openByMenu(watched, link);
      expect(await page.locator('main').textContent(), link.to).not.toBe('');
      expect(await page.locator('.refused').count(), link.to).toBe(0);
      expect(
        seen.filter(({ status }) => status < 200 || status > 299).map(({ path }) => path),
        link.to,
      ).toEqual([]);
      for (const { path } of seen) opened.set(path.replace(/\?.*/, '').replace(/\/[pdw]\d?-[\w-]+/g, '/…'), path);
    }
    // A patient's page asks for nothing that is refused: whoever opens five would look like somebody trying doors.
    if (may('patient.read')) {
      seen.length = 0;
      await watched.goTo('/patients/p-w3-01');
      await page.getByRole('heading', { name: 'Alarms of this patient' }).waitFor();
      await watched.settled();
      expect(seen.filter(({ status }) => status > 299).map(({ path }) => path)).toEqual([]);
    }
    expect(beyond(complaints, 401)).toEqual([]);

    seen.length = 0;
    const foreign = PAGES.filter((one) => one.door !== undefined && !mayOpen(one, may));
    for (const [at, { to }] of foreign.entries()) {
      // Once typed into the browser itself; after that without loading the app again.
      await (at === 0 ? page.goto(server.https + to) : watched.goTo(to));
      const refusal = page.locator('.refused').filter({ hasText: 'You may not see this.' });
      const isOpenDoor = OPEN_DOORS.includes(`${person.role} ${to}`);
      await (isOpenDoor ? refusal : refusal.filter({ hasText: 'It needs: ' })).waitFor();
      await watched.settled();
      expect(await page.locator('main').textContent()).not.toMatch(NAMES);
    }
    // One patient’s address, by whom no patient concerns.
    if (!may('patient.read')) {
      await watched.goTo('/patients/p-w3-01');
      await page.locator('.refused').filter({ hasText: 'It needs: ' }).waitFor();
      expect(await audit(`person=${person.name}&patient=p-w3-01`)).toMatchObject([{ outcome: 'denied' }]);
    }
    const refused = seen.filter(({ status }) => status === 403);
    const doors = foreign.filter(({ to }) => !OPEN_DOORS.includes(`${person.role} ${to}`));
    expect(refused.length).toBeGreaterThanOrEqual(doors.length);
    expect(await denials(`person=${person.name}`)).toEqual(
      expect.arrayContaining(refused.map(({ requestId }) => requestId)),
    );
    expect(beyond(complaints, 401, 403)).toEqual([]);
  });
});

describe('a device', () => {
  it('is invited by an operator, comes in with the code, is let in by its fingerprint, and is seen in service', async (context) => {
    if (browser === undefined) return context.skip();
    const operator = await watchedPage(browser, server.https);
    context.onTestFinished(operator.close);
    const { page } = operator;
    await signIn(page, PEOPLE[3]);
    await operator.goTo('/devices');
    await page.getByRole('button', { name: 'Invite a device' }).click();
    await page.getByRole('textbox', { name: /^Device/ }).fill('monitor-9');
    await page.getByRole('button', { name: 'Make a code' }).click();
    const code = (await page.locator('.enrollment-code').textContent()) ?? '';
    const shown = await fingerprintIn(page.getByRole('dialog'));
    await page.getByRole('button', { name: 'Done' }).click();

    // What it was given beside the code is how it knows the server.
    const { certificates } = await estOf(server, home.ca()).cacerts();
    const ca = certificates.find((pem) => new X509Certificate(pem).fingerprint256 === shown) ?? expect.fail(shown);
    const est = estOf(server, ca);
    const key = await newDeviceKey('CN=monitor-9, O=Acme Monitors, OU=BSM-300, 2.5.4.5=SN-4711');
    expect((await est.enroll('monitor-9', code, key.request)).status).toBe(202);

    const waiting = page.locator('.enrollment-waits');
    await waiting.getByText('Acme Monitors, BSM-300, no. SN-4711').waitFor();
    expect(await fingerprintIn(waiting)).toBe(key.fingerprint);
    await waiting.getByRole('button', { name: 'Let in…' }).click();
    const letIn = page.getByRole('dialog').getByRole('button', { name: 'Let in' });
    expect(await letIn.isDisabled()).toBe(true);
    await page.getByLabel('I have looked at the device itself').check();
    await letIn.click();
    await waiting.waitFor({ state: 'detached' });

    const answer = await est.enroll('monitor-9', code, key.request);
    const identity = { cert: answer.certificates[0] ?? '', key: key.key };
    const client = await mqttOf(server, ca)(identity);
    const row = page.getByRole('row').filter({ has: page.getByRole('button', { name: 'Certificates of monitor-9' }) });
    await row.getByText('connected').waitFor();

    // By script: it sends what it measures, and opens nothing.
    const reading = JSON.stringify({ id: 'r1', at: new Date().toISOString(), vitals: { heartRate: 72 } });
    const sent = await est.send('/ingest/readings', { identity, body: reading, type: 'application/json' });
    expect(sent.status).toBe(202);
    for (const path of ['/api/patients', '/api/alerts', '/api/devices', '/fhir/Consent', '/scim/v2/Users'])
      expect((await est.send(path, { method: 'GET', identity })).status, path).toBe(401);
    await client.endAsync(true);
    expect(beyond(operator.complaints, 401)).toEqual([]);
  });
});

/** Four lines, read as one. */
const fingerprintIn = async (place: Locator): Promise<string> =>
  (await place.locator('.fingerprint span').allTextContents()).join(':');

describe('an integration', () => {
  it('has no pages: its account is told so in the browser, at once and when it comes again', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await watchedPage(browser, server.https);
    context.onTestFinished(close);
    await page.goto(`${server.https}/`);
    await page.locator('input[name=name]').fill(SYSTEM.name);
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This account has no pages here.').waitFor();
    await page.reload();
    await page.getByText('This account has no pages here.').waitFor();
    await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
    await page.locator('input[name=password]').waitFor();
  });

  it('signs in by its key, reads what its scope says, and is refused and written down beyond it', async (context) => {
    if (browser === undefined) return context.skip();
    const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
    const file = join(home.folder, 'lab.jwk');
    await writeFile(file, JSON.stringify({ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES384' }));
    await home.cli(
      ...['client', 'add', 'lab-feed', '--key', file],
      ...['--role', 'integration', '--scope', 'patient.read'],
    );
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = { iss: 'lab-feed', sub: 'lab-feed', aud: `${server.https}/oidc`, jti: 'j1', exp: nowSeconds + 60 };
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'patient.read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'k1' }).sign(privateKey),
    });
    const asked = { body: String(form), type: 'application/x-www-form-urlencoded' };
    const { body, status } = await estOf(server, home.ca()).send('/oidc/token', asked);
    expect(status, body).toBe(200);
    const token = JSON.parse(body).access_token;
    const patients = await home.fetch('/api/patients', { token });
    expect([patients.status, JSON.stringify(patients.body)]).toEqual([200, expect.stringMatching(NAMES)]);
    const beyond = [
      '/api/alerts',
      '/api/users',
      '/api/audit',
      '/api/consents',
      '/api/devices',
      '/api/keys',
      '/scim/v2/Users',
    ];
    const refused = await Promise.all(beyond.map((path) => home.fetch(path, { token })));
    expect(refused.map((one) => one.status)).toEqual(beyond.map(() => 403));
    expect(await denials('person=lab-feed')).toEqual(expect.arrayContaining(refused.map((one) => one.requestId)));
  });
});

describe('a stranger', () => {
  it('finds the sign-in at every address, learns nothing there, and leaves a trace in the audit alone', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, settled, complaints, close } = await watchedPage(browser, server.https);
    context.onTestFinished(close);
    const tried = { name: 'mallory', password: 'let me in, I am new here' };
    for (const address of ['/patients/p-w3-01', '/audit']) {
      await page.goto(server.https + address);
      await page.locator('input[name=name]').fill(tried.name);
      await page.locator('input[name=password]').fill(tried.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('Name or password is wrong.').waitFor();
      await settled();
      expect(await page.content()).not.toMatch(NAMES);
    }
    expect(beyond(complaints, 401)).toEqual([]);

    // Everything the pages of all these people are made of.
    expect(opened.size).toBeGreaterThan(30);
    const token = furnished.scriptTokens.get('security') ?? '';
    const { routes } = (await home.fetch('/api/audit/routes', { token })).body as AuditRoutes;
    const harmless = new Set(routes.filter(({ kind }) => kind === 'harmless').map(({ url }) => url));
    const refused: string[] = [];
    for (const [route, path] of opened) {
      const { status, body, requestId } = await home.fetch(path);
      expect(typeof body === 'string' ? body : JSON.stringify(body)).not.toMatch(NAMES);
      if (harmless.has(route)) continue;
      expect(status, path).toBe(401);
      refused.push(requestId);
    }
    const entries = await eventually('the attempts', async () => {
      const found = await audit('outcome=denied');
      return refused.every((id) => found.some(({ correlationId }) => correlationId === id)) ? found : undefined;
    });
    expect(entries.filter(({ action, actor }) => action === 'session.sign-in' && actor.name === '?').length).toBe(2);
    // What a stranger typed may be somebody’s password: it stands nowhere, and least of all a patient’s name.
    const everywhere = JSON.stringify(await audit('')) + server.log();
    expect(everywhere).not.toMatch(/mallory|let me in/);
    expect(everywhere).not.toMatch(NAMES);
  });
});
