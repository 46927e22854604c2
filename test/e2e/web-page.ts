import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type MockHost, type MockRole, type MockServer, startMockHost } from '../../web/dev/mock-server.ts';
import { actionsOf } from './web-roles.ts';

export interface OpenPage {
  readonly page: Page;
  readonly mock: MockServer;
  /** What the content security policy stopped, what went outside, what the page complained of. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Builds the web app, unless it is there. */
export function buildWeb(): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../../scripts/build-web.ts')], { stdio: 'ignore' });
}

/**
 * The web app in a real browser, against a ward that does what the test says. All that is of one test is the ward, what
 * the browser has stored and the document; the tab stays for the next test, since a new one costs twice as much as the
 * app in it. A test that fails does not close its page: the next gets a tab of its own.
 */
export async function openPage(
  browser: Browser,
  options: {
    readonly width?: number;
    readonly height?: number;
    readonly beds?: number;
    readonly role?: MockRole | undefined;
    readonly path?: string;
    readonly prepare?: (mock: MockServer) => void;
    readonly reducedMotion?: boolean;
    /** Nobody has ever clicked in it: only then does a browser keep a page quiet. */
    readonly newTab?: boolean;
    readonly timeZone?: string;
    /** Of the house, where it is not the browser's. */
    readonly houseZone?: string;
    /** Runs in the page before the app does. */
    readonly before?: () => void;
    /** A second screen on the same ward. */
    readonly mock?: MockServer;
  } = {},
): Promise<OpenPage> {
  const { newTab, before, timeZone } = options;
  const isShared = newTab !== true && before === undefined && timeZone === undefined && options.mock === undefined;
  const tab = isShared ? await sharedTab(browser) : await openTab(browser, timeZone);
  const { page, host, complaints } = tab;
  const role = 'role' in options ? options.role : 'physician';
  const mock =
    options.mock ?? host.play({ beds: options.beds ?? BEDS, signedIn: role, actionsOf, timeZone: options.houseZone });
  options.prepare?.(mock);
  await page.setViewportSize({ width: options.width ?? 1920, height: options.height ?? 1080 });
  await page.emulateMedia({ reducedMotion: options.reducedMotion === true ? 'reduce' : 'no-preference' });
  if (before !== undefined) await page.addInitScript(before);
  tab.at(mock.url);
  await page.goto(mock.url + (options.path ?? '/wall'));
  return { page, mock, complaints, close: () => (isShared ? leave(browser, mock) : tab.close()) };
}

/** As many as there must be for what most tests are about; what is about a whole wall says how many it has. */
const BEDS = 16;

interface Tab {
  readonly page: Page;
  readonly host: MockHost;
  readonly complaints: string[];
  /** Where the app is: whatever else is asked for is a complaint. */
  at(url: string): void;
  close(): Promise<void>;
}

/** Of each browser the one that stays open, and whether nobody has it. */
const tabs = new WeakMap<Browser, { readonly tab: Tab; isFree: boolean }>();

async function sharedTab(browser: Browser): Promise<Tab> {
  const kept = tabs.get(browser);
  if (kept?.isFree === true) {
    kept.isFree = false;
    return kept.tab;
  }
  await kept?.tab.close();
  const tab = await openTab(browser);
  tabs.set(browser, { tab, isFree: false });
  browser.once('disconnected', () => void tab.host.close());
  return tab;
}

/** Nothing of this test is left for the next. */
async function leave(browser: Browser, mock: MockServer): Promise<void> {
  const kept = tabs.get(browser);
  if (kept === undefined) return;
  const { page, host } = kept.tab;
  await page.unrouteAll();
  await page.goto(host.emptyPage);
  await page.mouse.move(0, 0);
  await page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
  });
  await mock.close();
  kept.isFree = true;
}

async function openTab(browser: Browser, timeZone?: string): Promise<Tab> {
  const host = await startMockHost();
  const context = await browser.newContext(timeZone === undefined ? {} : { timezoneId: timeZone });
  const page = await context.newPage();
  const complaints: string[] = [];
  let address = host.url;
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(address)) complaints.push(`outside: ${request.url()}`);
  });
  await page.addInitScript(countSounds);
  return {
    page,
    host,
    complaints,
    at(url) {
      address = url;
      complaints.length = 0;
    },
    async close() {
      await context.close();
      await host.close();
    },
  };
}

/** Runs in the page: counts the pulses that would be heard. */
function countSounds(): void {
  const counter = window as unknown as { pulses: number };
  counter.pulses = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (this: OscillatorNode, when?: number) {
    counter.pulses += 1;
    start.call(this, when);
  };
}

export const pulses = (page: Page): Promise<number> =>
  page.evaluate(() => (window as unknown as { pulses: number }).pulses);
export const tileOf = (patientId: string): string => `.tile[data-patient="${patientId}"]`;
