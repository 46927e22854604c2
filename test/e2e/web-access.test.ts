import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

/** The fresh proof that is asked for on the way. */
async function prove(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Show that it is you' });
  await dialog.getByLabel('Code from your app').fill('123456');
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await dialog.waitFor({ state: 'detached' });
}

const BIG = { width: 1440, height: 900 } as const;

describe('a patient of another ward', () => {
  it('is opened in an emergency with a reason and a fresh proof; a banner says how long, and ending it takes the page away', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      path: '/patients/P13',
      role: 'nurse',
      prepare: ({ access }) => access.putElsewhere('P13'),
      ...BIG,
    });
    await page.getByRole('button', { name: 'Open in an emergency' }).click();
    const open = page.getByRole('button', { name: 'Open the record' });
    await page.getByLabel('Reason').fill('too short');
    expect(await open.isDisabled()).toBe(true);
    await page.getByLabel('Reason').fill('Fell beside the bed, nobody of their ward is near');
    await open.click();
    await prove(page);
    const banner = page.getByRole('region', { name: 'Emergency access' });
    await banner.getByText(/^(30:00|29:\d\d)$/).waitFor();
    await page.locator('.patient-head h1').waitFor();
    expect(mock.requests.filter((request) => request === 'POST /api/break-glass')).toHaveLength(2);
    await banner.getByRole('button', { name: 'End it now' }).click();
    await banner.waitFor({ state: 'detached' });
    await page.getByText('No such patient among yours.').waitFor();
    expect(await page.locator('.patient-head').count()).toBe(0);
    await close();
  });

  it('asks whoever has a password only to add a second factor, and is open after it', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, {
      path: '/patients/P13',
      role: 'nurse',
      prepare: ({ access }) => {
        access.putElsewhere('P13');
        access.loseFactors();
      },
      ...BIG,
    });
    await page.getByRole('button', { name: 'Open in an emergency' }).click();
    await page.getByLabel('Reason').fill('Fell beside the bed, nobody of their ward is near');
    await page.getByRole('button', { name: 'Open the record' }).click();
    const dialog = page.getByRole('dialog', { name: 'This asks for a second factor' });
    await dialog.getByLabel('Your password').fill('correct horse');
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByRole('button', { name: 'Use codes from an app' }).click();
    await dialog.getByLabel('The code the app shows now').fill('654321');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await dialog.getByText('That does not match').waitFor();
    await dialog.getByLabel('The code the app shows now').fill('123456');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await page.getByText('abcd-efgh').waitFor();
    expect(mock.access.mine(Date.now()).accesses).toEqual([]);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByRole('region', { name: 'Emergency access' }).waitFor();
    await page.locator('.patient-head h1').waitFor();
    await close();
  });

  it('stays closed, and the reason typed, when the proof is not given', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/patients', role: 'nurse', ...BIG });
    await page.getByRole('button', { name: 'Emergency in another ward' }).click();
    await page.getByLabel('Bed', { exact: false }).fill('W3-01');
    await page.getByLabel('Reason').fill('Fell beside the bed, nobody is near');
    await page.getByRole('button', { name: 'Open the record' }).click();
    await page.getByRole('dialog', { name: 'Show that it is you' }).getByRole('button', { name: 'Close' }).click();
    await page.getByRole('dialog', { name: 'Show that it is you' }).waitFor({ state: 'detached' });
    expect(await page.getByLabel('Reason').inputValue()).toBe('Fell beside the bed, nobody is near');
    expect(await page.getByRole('region', { name: 'Emergency access' }).count()).toBe(0);
    expect(mock.access.mine(Date.now()).accesses).toEqual([]);
    await close();
  });
});

describe('emergency access', () => {
  it('is reviewed with a word why, after a fresh proof, and leads to what they did', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/emergencies', role: 'privacy-officer', ...BIG });
    await page.getByRole('button', { name: 'Review it' }).click();
    await page.getByLabel('not justified').check();
    await page.getByLabel('Comment').fill('Their nurse was in the room.');
    await page.getByRole('button', { name: 'Save the review' }).click();
    await prove(page);
    await page.getByText('Nothing waits for a review.').waitFor();
    await page.getByRole('button', { name: 'Reviewed' }).click();
    await page.getByText('✕ Not justified').waitFor();
    await page.getByRole('link', { name: 'What they did' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
    expect(await page.getByLabel('Patient').inputValue()).toBe('P77');
    // Whom one looks at stands in no address of a page.
    expect(page.url()).toBe(`${mock.url}/audit`);
    await close();
  });
});

describe('why they can see', () => {
  it('answers with the policy that decided, in words and as it stands, and what it looked at', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/why', role: 'privacy-officer', ...BIG });
    await page.getByRole('combobox', { name: 'Person' }).click();
    await page.getByRole('option', { name: 'Kim Larsen (kim)' }).click();
    const answer = page.getByRole('region', { name: 'Answer' });
    const ask = async (patient: string) => {
      await page.getByLabel('The patient’s id').fill(patient);
      await page.getByRole('button', { name: 'Ask' }).click();
    };
    await ask('P1');
    await answer.getByText('✓ Yes: Kim Larsen may').waitFor();
    await ask('P77');
    await answer.getByText('✕ No: Kim Larsen may not').waitFor();
    await answer.getByText('In an emergency they could open it').waitFor();
    await answer.getByText('other-ward-patient as it stands').click();
    await answer.getByText('unless { principal.wards.contains(resource.ward) }').waitFor();
    await answer.getByRole('cell', { name: 'resource.ward' }).waitFor();
    await close();
  });
});

describe('the audit', () => {
  it('is paged and filtered by the server, and each entry is proved in the browser against the signed head', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/audit', role: 'privacy-officer', ...BIG });
    await page.getByText('entries 130 to 229').waitFor();
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('entries 30 to 129').waitFor();
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('entries 0 to 29').waitFor();
    expect(await page.getByRole('button', { name: 'Older' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Open entry 17' }).click();
    await page
      .getByText(/✓ In the log: \d hashes lead from it to the signed head of 230 entries; its signature holds/)
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Emergency access' }).click();
    await page.getByText('entries 7 to 207').waitFor();
    expect(await page.locator('.audit tbody tr').count()).toBe(5);
    await page.getByLabel('Who').fill('kim');
    await page.getByRole('button', { name: 'Show' }).click();
    await expect.poll(() => page.locator('.audit tbody tr').count()).toBe(3);
    expect(mock.requests).toContain('GET /api/audit?limit=100&person=kim&action=break-glass.*');
    await close();
  });

  it('shows an entry that was changed as one that was never signed', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, {
      path: '/audit',
      role: 'security',
      prepare: ({ access }) => access.log.tamper(229),
      ...BIG,
    });
    await page.getByText('✕ Chain broken').waitFor();
    await page.getByRole('button', { name: 'Open entry 229' }).click();
    await page.getByText('✕ It is not in the log that was signed').waitFor();
    await close();
  });

  it('is nobody’s who may not read it: asked for all the same, so that it is on record who tried', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/audit', role: 'nurse', ...BIG });
    await page.getByText('You may not see this. It needs: privacy officer or security.').waitFor();
    expect(mock.requests.filter((request) => request.includes('/api/audit'))).toEqual(['GET /api/audit']);
    await close();
  });
});

describe('a device’s certificate', () => {
  it('is revoked with a reason, after being told what that means, and counts no longer', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/devices', role: 'operator', ...BIG });
    await page.getByRole('button', { name: 'Certificates of D1', exact: true }).click();
    await page.getByText('90 days left').waitFor();
    await page.getByRole('button', { name: 'Revoke 0A1B0' }).click();
    await page.getByText('D1 can send nothing any more, and it is connected now').waitFor();
    const revoke = page.getByRole('button', { name: 'Revoke', exact: true });
    expect(await revoke.isDisabled()).toBe(true);
    await page.getByLabel('Reason').fill('Lost in the lift');
    await revoke.click();
    await page.getByText('✓ 1 revoked.').waitFor();
    await page.getByText(/^revoked 20/).waitFor();
    expect(mock.requests).toContain('POST /api/devices/D1/revoke');
    await close();
  });
});

describe('the accounts', () => {
  it('are kept by whoever may: second factors taken away after a fresh proof', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/users', role: 'admin', ...BIG });
    await page.getByText('✓ passkey').waitFor();
    await page.getByRole('button', { name: 'More for Dr Ama Osei' }).click();
    await page.getByRole('menuitem', { name: 'Reset second factors' }).click();
    await page.getByRole('button', { name: 'Take them away' }).click();
    await prove(page);
    await page.getByText('✓ passkey').waitFor({ state: 'detached' });
    expect(mock.requests.filter((request) => request.endsWith('/reset-factors'))).toHaveLength(2);
    await close();
  });

  it('are looked for among all there are; those of another system are shown as it says, and changed there', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/users', role: 'admin', ...BIG });
    await page.getByText('Kim Larsen').waitFor();
    await page.getByLabel('Search accounts').fill('doctor HOHEN');
    await page.getByText('Kim Larsen').waitFor({ state: 'detached' });
    expect(mock.requests).toContain('GET /api/users?limit=200&q=physician+HOHEN');
    await page.getByRole('button', { name: 'Change Prof. Dr. Maximiliana' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The hospital’s directory looks after this account').waitFor();
    expect(await dialog.getByRole('textbox').count()).toBe(0);
    await close();
  });
});

describe('wards and beds', () => {
  it('are managed beside the accounts, after a fresh proof; what is refused stays to be mended', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/users', role: 'admin', ...BIG });
    await page.getByRole('button', { name: 'Wards and beds' }).click();
    await page.getByRole('button', { name: 'Make a ward' }).click();
    const ward = page.getByRole('dialog', { name: 'Make a ward' });
    await ward.getByRole('textbox', { name: 'Id' }).fill('icu');
    await ward.getByRole('textbox', { name: 'Name' }).fill('Recovery');
    await ward.getByRole('button', { name: 'Make the ward' }).click();
    await page.getByRole('dialog', { name: 'Show that it is you' }).waitFor();
    // Of two that are open, the key means the one on top.
    await page.keyboard.press('Escape');
    await ward.getByText('Not saved').waitFor();
    await ward.getByRole('button', { name: 'Make the ward' }).click();
    await prove(page);
    await ward.getByText('There is a ward of this id already.').waitFor();
    await ward.getByRole('textbox', { name: 'Id' }).fill('rec');
    await ward.getByRole('button', { name: 'Make the ward' }).click();
    await ward.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Beds of Recovery' }).click();
    await page.getByRole('button', { name: 'Make a bed' }).click();
    await page.getByRole('textbox', { name: 'Id' }).fill('REC-1');
    await page.getByRole('textbox', { name: 'Label' }).fill('Recovery 1');
    await page.getByRole('button', { name: 'Make the bed' }).click();
    await page.getByRole('button', { name: 'Change bed Recovery 1' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Beds of Intensive care' }).click();
    await page.getByRole('button', { name: 'Remove bed ICU-01' }).click();
    await page.getByRole('button', { name: 'Remove the bed' }).click();
    await page.getByText('Somebody lies there').waitFor();
    await close();
  });
});

describe('a consent', () => {
  it('is recorded, seen with everything about it, and revoked only as it was looked at', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/consents', role: 'privacy-officer', ...BIG });
    await page.getByRole('button', { name: 'P13' }).first().click();
    expect(page.url()).toBe(`${mock.url}/consents`);
    await page.getByText('Treatment rests on the law here').waitFor();
    await page.getByRole('button', { name: 'Record a consent or refusal' }).click();
    const record = page.getByRole('button', { name: 'Record the consent' });
    await page.getByLabel('Sharing').check();
    await page.getByLabel('With whom').fill('Registry');
    expect(await record.isDisabled()).toBe(true);
    await page.getByRole('combobox', { name: 'How we know' }).click();
    await page.getByRole('option', { name: 'signed form' }).click();
    await page.getByLabel('Colleague who was there').fill('kim');
    await record.click();
    await page.getByText('it holds already').waitFor();
    await page.getByText('Sharing with registry', { exact: true }).first().waitFor();

    await page.getByRole('button', { name: 'Revoke Research' }).click();
    mock.consents.changeBehind('c1');
    await page.getByRole('combobox', { name: 'How we know' }).click();
    await page.getByRole('option', { name: 'said in person' }).click();
    const revoke = page.getByRole('button', { name: 'Revoke it now' });
    await revoke.click();
    await page.getByText('Rui Tavares changed this').waitFor();
    await page.getByRole('button', { name: 'Drop mine, show what is there now' }).click();
    await page.getByText('Rui Tavares changed this').waitFor({ state: 'detached' });
    await page.getByRole('combobox', { name: 'How we know' }).click();
    await page.getByRole('option', { name: 'said in person' }).click();
    await revoke.click();
    await page.getByRole('button', { name: '4 versions of Research' }).click();
    await page.getByText('Consent revoked').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Who opened this record' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
    expect(await page.getByLabel('Patient').inputValue()).toBe('P13');
    expect(mock.requests).toContain('GET /api/audit?limit=100&patient=P13');
    await close();
  });

  it('is recorded on the patient’s page by a doctor, and a nurse is told by whom', async (context) => {
    if (browser === undefined) return context.skip();
    const doctor = await openPage(browser, { path: '/patients/P13', ...BIG });
    await doctor.page.getByRole('region', { name: 'Consent' }).getByText('✕ refuses').waitFor();
    await doctor.close();
    const nurse = await openPage(browser, { path: '/patients/P13', role: 'nurse', ...BIG });
    await nurse.page.getByText('is seen and recorded by charge nurses').waitFor();
    expect(nurse.mock.requests.filter((request) => request.includes('consent'))).toEqual([]);
    await nurse.close();
  });
});

describe('keys', () => {
  it('of one’s own are made for as little as needed, after a fresh proof, and shown once', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/my-access', role: 'nurse', ...BIG });
    await page.getByText('This browser').waitFor();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByLabel('What it is for').fill('Nightly export');
    const make = page.getByRole('button', { name: 'Make the key' });
    expect(await make.isDisabled()).toBe(true);
    await page.getByLabel('read alarms').check();
    await make.click();
    await prove(page);
    await page.getByText('hsa_3Fq0cZ8s').waitFor();
    await page.getByRole('button', { name: 'I have put it away' }).click();
    await page.getByText('Nightly export', { exact: true }).waitFor();
    expect(await page.getByText('hsa_').count()).toBe(0);
    expect(mock.requests.filter((request) => request === 'POST /api/me/keys')).toHaveLength(2);
    await close();
  });

  it('stand beside the apps one has let in, of which one is ended', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/my-access', role: 'nurse', ...BIG });
    const apps = page.getByRole('region', { name: 'Apps I have let in' });
    await apps.getByText('read, search Observation of this patient; read alarms').waitFor();
    await apps.getByText('for patient P13').waitFor();
    await apps.getByRole('button', { name: 'Growth charts' }).click();
    await apps.getByText('for patient P13').waitFor({ state: 'detached' });
    expect(await apps.getByRole('button').count()).toBe(1);
    expect(mock.requests).toContain('DELETE /api/me/apps/app1');
    await close();
  });

  it('of a system are changed without a gap; a private one is refused before it is sent', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/apps', role: 'admin', ...BIG });
    await page.getByRole('button', { name: '1 key of Laboratory feed' }).click();
    const field = page.getByLabel('Public key');
    const add = page.getByRole('button', { name: 'Add the key' });
    await field.fill('{"kty":"EC","crv":"P-384","x":"x","y":"y","d":"secret"}');
    await add.click();
    await page.getByText('This is a private key. Nothing was sent').waitFor();
    expect(mock.requests.filter((request) => request.endsWith('/keys'))).toEqual([]);
    await field.fill('{"kty":"EC","kid":"lab-2027","crv":"P-384","x":"x","y":"y"}');
    await add.click();
    await prove(page);
    await page.getByRole('button', { name: 'Take away lab-2026' }).waitFor();
    await page.getByRole('button', { name: 'Take away lab-2027' }).waitFor();
    await close();
  });
});

describe('the menu of pages', () => {
  it('is worked by keyboard alone, and gives the focus back where it was', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, close } = await openPage(browser, { path: '/users', role: 'admin', reducedMotion: true, ...BIG });
    const focused = (name: string) =>
      page.getByRole('menuitem', { name }).and(page.locator(':focus')).waitFor({ state: 'visible' });
    await page.locator('.bar-more').focus();
    await page.keyboard.press('Enter');
    await focused('Care teams');
    await page.keyboard.press('ArrowDown');
    await focused('Approvals');
    await page.keyboard.press('Escape');
    await page.locator('.bar-more:focus').waitFor();
    await page.keyboard.press('Enter');
    await focused('Care teams');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/teams');
    await close();
  });
});
