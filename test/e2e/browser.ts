import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  process.env['CHROMIUM'] ?? '',
];

/**
 * A real browser, or `undefined` where there is none, and then says so: what skips silently is not tested. On Debian as
 * root it is installed; nothing else is ever changed on the machine.
 */
export async function openBrowser(args: readonly string[] = []): Promise<Browser | undefined> {
  const executablePath = findChromium() ?? installChromium();
  if (executablePath === undefined) {
    process.stderr.write('SKIPPED: no Chromium here, the web app is not tested in a browser (set CHROMIUM=path)\n');
    return undefined;
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage', ...args],
  });
}

function findChromium(): string | undefined {
  return PLACES.find((path) => path !== '' && existsSync(path));
}

function installChromium(): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  try {
    const quietly = { stdio: 'ignore', timeout: 300_000 } as const;
    execFileSync('apt-get', ['update'], quietly);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], quietly);
  } catch {
    return undefined;
  }
  return findChromium();
}
