import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { DemoMailbox } from './demo-mailbox.ts';

/** Where an operator reads what the demo's people were told. Only while the demo runs. */
export const DEMO_MAIL_PATH = '/demo/mail';

export function registerDemoMail(app: FastifyInstance, mailbox: Pick<DemoMailbox, 'mails'>): void {
  app.get(
    '/api/demo/mail',
    {
      config: { action: 'operations.read' },
      schema: { summary: 'What the demo’s people were told by mail, newest first', tags: ['demo'] },
    },
    async (_request, reply) =>
      reply.send({
        mails: mailbox.mails().map(({ atMs, ...mail }) => ({ at: new Date(atMs).toISOString(), ...mail })),
      }),
  );
  app.get(
    DEMO_MAIL_PATH,
    {
      config: { action: 'operations.read' },
      schema: { summary: 'The same as a page that reads itself anew', tags: ['demo'] },
    },
    async (_request, reply) =>
      reply
        .header('content-security-policy', POLICY)
        .type('text/html; charset=utf-8')
        .send(pageOf(mailbox.mails().slice(0, SHOWN_MAX))),
  );
}

/** What somebody scrolls through. */
const SHOWN_MAX = 100;

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:46rem;margin:2rem auto;padding:0 1rem}
article{border-top:1px solid;padding:.75rem 0}h2{font-size:1rem;margin:0}pre{font:inherit;white-space:pre-wrap;margin:.5rem 0 0}p{margin:0}`;
/** No script at all, and of styles only this one (CSP level 3 §2.3.1). */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function pageOf(mails: ReturnType<DemoMailbox['mails']>): string {
  const articles = mails.map(
    ({ atMs, to, subject, text }) =>
      `<article><h2>${safe(subject)}</h2><p>To ${safe(to.join(', '))}, <time>${new Date(atMs).toISOString()}</time></p><pre>${safe(text)}</pre></article>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><meta name="viewport" content="width=device-width"><title>Demo mail (${mails.length})</title><style>${STYLE}</style></head><body><h1>What the demo’s people were told</h1><p>Everybody here is made up, and no mail leaves this machine. The page reads itself anew every five seconds.</p>${articles.join('') || '<p>Nothing yet: the first alarm comes within a minute.</p>'}</body></html>`;
}

function safe(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
