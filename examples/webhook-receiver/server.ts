import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { rememberIds, verifyWebhook } from './verify.ts';

/**
 * A receiver that trusts nothing it cannot verify:
 *
 *     TLS_CERT=cert.pem TLS_KEY=key.pem WEBHOOK_SECRET=whsec_… node server.ts
 */
const { TLS_CERT = 'cert.pem', TLS_KEY = 'key.pem', WEBHOOK_SECRET = '', PORT = '9443' } = process.env;
const seen = rememberIds();
/** Our messages have a kilobyte. */
const BODY_MAX_BYTES = 64 * 1024;

const server = createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, async (request, response) => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) return void response.writeHead(413).end();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const verdict = verifyWebhook({ headers: request.headers, body }, [WEBHOOK_SECRET], Date.now());
  if (verdict !== 'verified') return void response.writeHead(401).end(verdict);
  // A duplicate is answered like the first, so that it is not sent again.
  if (seen.isNew(String(request.headers['webhook-id']), Date.now())) console.log(JSON.parse(body.toString()));
  response.writeHead(204).end();
});
server.listen(Number(PORT));
