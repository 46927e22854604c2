import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { allowPage, makeNonce } from './security-headers.ts';

/** The built page holds this where its nonce belongs. */
export const NONCE_PLACEHOLDER = '__CSP_NONCE__';
/** And this where it is told in which zone it shows times: before anybody has signed in, and for as long as it is open. */
const ZONE_PLACEHOLDER = '__TIME_ZONE__';

export interface WebApp {
  /** Where the built app lies. */
  readonly folder: string;
  /** An IANA zone this machine knows. */
  readonly timeZone: string;
}

/** Paths that are never a page: an unknown one is a 404 for a program, not the app. */
const NOT_PAGES = /^\/(api|ingest|health|metrics|fhir|assets)(\/|$)/;

/** The web app from its build folder: hashed assets for ever, the page fresh each time with its own nonce. */
export async function registerWebApp(app: FastifyInstance, page: WebApp): Promise<void> {
  const { folder } = page;
  await app.register(fastifyStatic, { root: folder, serve: false, preCompressed: true, etag: true });

  app.get('/assets/*', { config: { public: true } }, (request, reply) => {
    const { '*': file } = request.params as { '*': string };
    // No way out of the folder, and no hidden file in it.
    if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(file)) return reply.callNotFound();
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    return reply.sendFile(join('assets', file), folder, { cacheControl: false });
  });
  // Icons and the like, which stand beside index.html under names of their own.
  for (const file of topLevelFiles(folder))
    app.get(`/${file}`, { config: { public: true } }, (_request, reply) => {
      reply.header('cache-control', 'public, max-age=3600');
      // A worker lives by the policy it came with: it may speak to us, for receipts and acknowledgements, and to nobody.
      if (file === 'push-worker.js') reply.header('content-security-policy', "default-src 'none'; connect-src 'self'");
      return reply.sendFile(file, folder, { cacheControl: false });
    });
  app.get('/', { config: { public: true } }, (_request, reply) => sendPage(reply, page));
}

/** The app's own addresses (`/patients/P1`) are made in the browser: each is answered with the page. */
export function isPageRequest(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '';
  return request.method === 'GET' && !NOT_PAGES.test(path) && (request.headers.accept ?? '').includes('text/html');
}

export async function sendPage(reply: FastifyReply, { folder, timeZone }: WebApp): Promise<FastifyReply> {
  const nonce = makeNonce();
  allowPage(reply, nonce);
  // Read each time: a page is asked for rarely, and a rebuilt app is served without a restart.
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => NOT_BUILT);
  return reply
    .type('text/html; charset=utf-8')
    .send(page.replaceAll(NONCE_PLACEHOLDER, nonce).replaceAll(ZONE_PLACEHOLDER, timeZone));
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>HealthSync: the web app is not built</title>
<style nonce="${NONCE_PLACEHOLDER}">body { font: 1.1rem/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }</style>
<h1>The web app is not built yet</h1>
<p>HealthSync is running, but its web app is missing. Build it with</p>
<pre>npm run build</pre>
<p>and reload this page. The API, device entry and alarms work without it.</p>
</html>
`;

function topLevelFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'index.html' && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => entry.name);
}
