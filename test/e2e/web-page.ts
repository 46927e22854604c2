import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type MockRole, type MockServer, startMockServer } from '../../web/dev/mock-server.ts';
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

/** The web app in a real browser, against a ward that does what the test says. */
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
    /** Runs in the page before the app does. */
    readonly before?: () => void;
    /** A second screen on the same ward. */
    readonly mock?: MockServer;
  } = {},
): Promise<OpenPage> {
  const role = 'role' in options ? options.role : 'physician';
  const mock = options.mock ?? (await startMockServer({ beds: options.beds ?? 40, signedIn: role, actionsOf }));
  options.prepare?.(mock);
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1920, height: options.height ?? 1080 },
    reducedMotion: options.reducedMotion === true ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(mock.url)) complaints.push(`outside: ${request.url()}`);
  });
  await page.addInitScript(countSounds);
  if (options.before !== undefined) await page.addInitScript(options.before);
  await page.goto(mock.url + (options.path ?? '/wall'));
  return {
    page,
    mock,
    complaints,
    async close() {
      await context.close();
      if (options.mock === undefined) await mock.close();
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
