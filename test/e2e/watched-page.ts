import type { Browser, Page, Request } from 'playwright-core';
import { expect } from 'vitest';

/** What the server answered the page, besides the streams, which never end. */
export interface Seen {
  readonly status: number;
  readonly path: string;
  /** As the audit log calls the request. */
  readonly requestId: string;
}

export interface WatchedPage {
  readonly page: Page;
  readonly seen: Seen[];
  /** What the page complained of: errors, and what the content security policy stopped. */
  readonly complaints: string[];
  /** Everything that was asked for has been answered and is shown. */
  settled(): Promise<void>;
  /** Another address, as one that is typed, without loading the app again. */
  goTo(address: string): Promise<void>;
  /** Whoever sits here next is a stranger to the browser. */
  close(): Promise<void>;
}

/** A browser in front of the real server: a tab that is free, for a new one costs more than what is done in it. */
export async function watchedPage(browser: Browser, origin: string): Promise<WatchedPage> {
  const free = freeTabs.get(browser) ?? [];
  freeTabs.set(browser, free);
  const page = free.pop() ?? (await newTab(browser));
  const [seen, complaints, pending]: [Seen[], string[], Set<Request>] = [[], [], new Set()];
  const isAsked = (request: Request): boolean =>
    /^\/(api|fhir|health|metrics)/.test(new URL(request.url()).pathname) && !request.url().includes('/api/live');
  page.on('request', (request) => void (isAsked(request) && pending.add(request)));
  page.on('requestfailed', (request) => void pending.delete(request));
  page.on('requestfinished', (request) => void pending.delete(request));
  page.on('response', (response) => {
    if (!isAsked(response.request())) return;
    const { pathname, search } = new URL(response.url());
    const requestId = response.headers()['x-request-id'] ?? '';
    seen.push({ status: response.status(), path: pathname + search, requestId });
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && !/Content Security Policy/.test(message.text())) return;
    complaints.push(`${message.text()} ${new URL(message.location().url || origin).pathname}`);
  });
  return {
    page,
    seen,
    complaints,
    async settled() {
      await page.locator('main').first().waitFor();
      await page.waitForFunction(() => document.querySelector('.skeletons, .page-wait') === null);
      await expect.poll(() => pending.size).toBe(0);
      await page.waitForFunction(() => document.querySelector('.skeletons, .page-wait') === null);
    },
    async goTo(address) {
      await page.evaluate((to) => history.pushState(null, '', to), address);
    },
    async close() {
      page.removeAllListeners();
      await page.evaluate(() => {
        localStorage.clear();
        sessionStorage.clear();
      });
      await page.goto('about:blank');
      await page.context().clearCookies();
      free.push(page);
    },
  };
}

const freeTabs = new WeakMap<Browser, Page[]>();

async function newTab(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
  return context.newPage();
}
