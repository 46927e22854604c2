import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { PushMessage } from '@healthsync/contracts/push';
import { Compile } from 'typebox/compile';
import type { UserId } from '../../domain/ids.ts';
import type { PushSubscription } from '../../ports/push-subscriptions.ts';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';

/**
 * A push service with the browsers behind it. It takes what RFC 8030, RFC 8291 and RFC 8292 say and refuses the rest as
 * the real ones do; a browser reads its messages with its own key, by WebCrypto as browsers have it.
 */
export async function startPushService(now: () => number = Date.now) {
  const browsers = new Map<string, Awaited<ReturnType<typeof newBrowser>>>();
  const gone = new Set<string>();
  const ill = new Map<string, number>();
  const vendor = await startVendor({ answer });

  async function answer(request: VendorRequest): Promise<VendorAnswer> {
    const id = /^\/push\/([\w-]+)$/.exec(request.path)?.[1] ?? '';
    const browser = browsers.get(id);
    if (request.method !== 'POST') return { status: 405 };
    if (browser === undefined) return { status: 404 };
    if (gone.has(id)) return { status: 410 };
    const illness = ill.get(id);
    if (illness !== undefined) return { status: illness };
    const status = (await statusOf(request, browser.applicationServerKey, vendor.url.origin, now())) ?? 201;
    if (status !== 201) return { status };
    browser.received.push({ headers: request.headers as PushHeaders, message: await browser.read(request.body) });
    return { status, headers: { location: `${vendor.url.origin}/message/${randomBytes(8).toString('hex')}` } };
  }

  return {
    ...vendor,
    gone,
    ill,
    /** A person's browser, subscribed with the key of a server. */
    async browser(name: string, applicationServerKey: string, userId = 'u1') {
      const browser = await newBrowser(applicationServerKey);
      browsers.set(name, browser);
      const endpoint = `${vendor.url.origin}/push/${name}`;
      const subscription: PushSubscription = {
        id: createHash('sha256').update(endpoint).digest('hex').slice(0, 16),
        userId: userId as UserId,
        endpoint,
        ...browser.keys,
        createdAtMs: 0,
      };
      return { subscription, received: browser.received };
    },
  };
}

interface PushHeaders {
  readonly ttl?: string;
  readonly urgency?: string;
  readonly topic?: string;
}

/** What is wrong with a request; undefined: nothing. */
async function statusOf(
  { headers, body }: VendorRequest,
  applicationServerKey: string,
  origin: string,
  nowMs: number,
): Promise<number | undefined> {
  const { ttl, urgency = 'normal', topic = 'none' } = headers as PushHeaders;
  // RFC 8030 §5.2 to §5.4
  if (ttl === undefined || !/^\d{1,10}$/.test(ttl)) return 400;
  if (!['very-low', 'low', 'normal', 'high'].includes(urgency)) return 400;
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(topic)) return 400;
  if (headers['content-encoding'] !== 'aes128gcm') return 415;
  if (body.byteLength > 4_096) return 413;
  // RFC 8292 §3, §4.2
  const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(headers.authorization ?? '') ?? [];
  if (token === undefined || key === undefined) return 401;
  if (key !== applicationServerKey) return 403;
  const claims = await verified(token, key);
  if (claims === undefined || claims.aud !== origin) return 403;
  const inSeconds = Number(claims.exp) - nowMs / 1_000;
  if (!(inSeconds > 0 && inSeconds <= 86_400)) return 403;
  if (!/^(mailto:[^@]+@[^@]+|https:\/\/.+)$/.test(String(claims.sub))) return 403;
  return undefined;
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ECDH = { name: 'ECDH', namedCurve: 'P-256' } as const;

interface Claims {
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly sub?: unknown;
}

async function verified(token: string, key: string): Promise<Claims | undefined> {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || fromJson(header).alg !== 'ES256' || fromJson(header).typ !== 'JWT') return undefined;
  const publicKey = await webcrypto.subtle.importKey('raw', bytes(key), ECDSA, false, ['verify']);
  const isValid = await webcrypto.subtle.verify(
    ECDSA,
    publicKey,
    bytes(signature),
    Buffer.from(`${header}.${payload}`),
  );
  return isValid ? fromJson(payload) : undefined;
}

async function newBrowser(applicationServerKey: string) {
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(ECDH, true, ['deriveBits']);
  const own = Buffer.from(await webcrypto.subtle.exportKey('raw', publicKey));
  const auth = randomBytes(16);
  return {
    applicationServerKey,
    keys: { p256dh: own.toString('base64url'), auth: auth.toString('base64url') },
    received: [] as { readonly headers: PushHeaders; readonly message: PushMessage }[],
    async read(body: Buffer): Promise<PushMessage> {
      const message: unknown = JSON.parse((await decrypt(body, { privateKey, own, auth })).toString());
      if (!isPushMessage.Check(message)) throw new Error('not what a service worker is promised');
      return message;
    },
  };
}
const isPushMessage = Compile(PushMessage);

/** As a browser reads it: RFC 8188 §2 with the keys of RFC 8291 §3. */
export async function decrypt(
  body: Buffer,
  browser: { readonly privateKey: webcrypto.CryptoKey; readonly own: Buffer; readonly auth: Buffer },
): Promise<Buffer> {
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const senderLength = body.readUInt8(20);
  const sender = body.subarray(21, 21 + senderLength);
  const record = body.subarray(21 + senderLength);
  if (senderLength !== 65 || record.byteLength > recordSize) throw new Error('not one record of a P-256 sender');
  const senderKey = await webcrypto.subtle.importKey('raw', new Uint8Array(sender), ECDH, false, []);
  const secret = await webcrypto.subtle.deriveBits({ name: 'ECDH', public: senderKey }, browser.privateKey, 256);
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), browser.own, sender]);
  const keying = await derive(secret, browser.auth, keyInfo, 256);
  const rawKey = await derive(keying, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 128);
  const iv = await derive(keying, salt, Buffer.from('Content-Encoding: nonce\0'), 96);
  const key = await webcrypto.subtle.importKey('raw', rawKey, 'AES-GCM', false, ['decrypt']);
  const padded = Buffer.from(
    await webcrypto.subtle.decrypt({ name: 'AES-GCM', iv, tagLength: 128 }, key, new Uint8Array(record)),
  );
  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== 2) throw new Error('not the last record');
  return padded.subarray(0, end);
}

async function derive(secret: ArrayBuffer, salt: Uint8Array, info: Uint8Array, bits: number): Promise<ArrayBuffer> {
  const key = await webcrypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(salt), info: new Uint8Array(info) };
  return webcrypto.subtle.deriveBits(hkdf, key, bits);
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
const fromJson = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
