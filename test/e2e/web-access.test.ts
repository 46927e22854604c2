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
    await page.getByText('No such patient.').waitFor();
    expect(await page.locator('.patient-head').count()).toBe(0);
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

  it('is nobody’s who may not read it', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, mock, close } = await openPage(browser, { path: '/audit', role: 'nurse', ...BIG });
    await page.getByText('It needs: privacy officer or security.').waitFor();
    expect(mock.requests.filter((request) => request.includes('/api/audit'))).toEqual([]);
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
    await page.getByRole('button', { name: 'Reset factors of Dr Ama Osei' }).click();
    await page.getByRole('button', { name: 'Take them away' }).click();
    await prove(page);
    await page.getByRole('button', { name: 'Reset factors of Dr Ama Osei' }).waitFor({ state: 'detached' });
    expect(mock.requests.filter((request) => request.endsWith('/reset-factors'))).toHaveLength(2);
    await close();
  });
});
