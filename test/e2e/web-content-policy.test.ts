import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { buildWeb, openPage } from './web-page.ts';

let browser: Browser | undefined;
beforeAll(async () => {
  buildWeb();
  browser = await openBrowser();
});
afterAll(() => browser?.close());

describe('what got into the page', () => {
  it('does not run, load or leave, however it tries', async (context) => {
    if (browser === undefined) return context.skip();
    const { page, complaints, close } = await openPage(browser);
    await page.locator('.tile').first().waitFor();
    // The app itself gets by without being stopped once.
    expect(complaints).toEqual([]);
    const stopped: string[] = [];
    page.on('requestfailed', (request) =>
      stopped.push(`${new URL(request.url()).host} ${request.failure()?.errorText}`),
    );
    const outcomes = await page.evaluate(async () => {
      // Later: while the debugger's own evaluation runs, Chromium lets `eval` pass.
      await new Promise((resolve) => setTimeout(resolve));
      const tried: Record<string, string> = {};
      const attempt = async (name: string, act: () => unknown) => {
        try {
          tried[name] = String(await act());
        } catch (error) {
          tried[name] = (error as Error).name;
        }
      };
      const world = window as unknown as { ran?: string };
      const appended = (tag: string, fill: (element: HTMLElement) => void) =>
        new Promise<string>((resolve) => {
          const element = document.createElement(tag);
          element.onerror = () => resolve('stopped');
          element.onload = () => resolve(world.ran ?? 'loaded');
          fill(element);
          document.body.append(element);
          setTimeout(() => resolve(world.ran ?? 'nothing'), 300);
        });
      await attempt('markup', () => {
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran=1">');
      });
      // biome-ignore lint/security/noGlobalEval: that it does not work is what is tested
      await attempt('eval', () => window.eval('1'));
      await attempt('function', () => new Function('return 1')());
      await attempt('inline script', () => appended('script', (element) => element.append('window.ran = "ran"')));
      await attempt('handler', () => appended('div', (element) => element.setAttribute('onclick', 'window.ran = 1')));
      await attempt('script of ours', () =>
        appended('script', (element) => element.setAttribute('src', '/push-worker.js?other')),
      );
      await attempt('picture outside', () =>
        appended('img', (element) => element.setAttribute('src', 'https://evil.example/steal')),
      );
      await attempt('frame', () =>
        appended('iframe', (element) => element.setAttribute('src', 'https://evil.example/')),
      );
      await attempt('base', async () => {
        await appended('base', (element) => element.setAttribute('href', 'https://evil.example/'));
        return new URL('x', document.baseURI).origin === location.origin ? 'ours' : 'theirs';
      });
      await attempt('fetch outside', () => fetch('https://evil.example/'));
      await attempt('worker', () => new Worker('data:text/javascript,1'));
      return { tried, ran: world.ran ?? 'nothing' };
    });
    expect(outcomes.ran).toBe('nothing');
    expect(outcomes.tried).toMatchObject({
      markup: 'TypeError',
      eval: 'EvalError',
      function: 'EvalError',
      'script of ours': 'TypeError',
      'picture outside': 'stopped',
      base: 'ours',
      'fetch outside': 'TypeError',
      worker: 'TypeError',
    });
    // By the policy, and not because nobody is there.
    expect(stopped).toContain('evil.example csp');
    expect(stopped.filter((one) => one.startsWith('evil.example') && !one.endsWith(' csp'))).toEqual([]);
    await close();
  });
});
