import { createPublicKey, type KeyObject } from 'node:crypto';
import { callHttps } from './https-call.ts';
import { jsonOf } from './json-answer.ts';

/** The keys with which the Bot Framework signs what it sends to bots, by their id. */
export type SigningKeys = (
  kid: string,
) => Promise<{ readonly key: KeyObject; readonly endorsements: readonly string[] } | undefined>;

/** "May be cached for long periods"; Microsoft asks for a look at least once a day. */
const KEEP_MS = 24 * 3_600_000;
/** A key we do not know may be new. Or made up: then this keeps the asking within bounds. */
const ASK_AGAIN_MS = 300_000;
/** A handful of keys with their certificates and the names of all channels: some 50 KiB. */
const ANSWER_MAX_BYTES = 512 * 1024;
const ASK_MS = 5_000;

/**
 * Reads them where the Bot Framework publishes them, and keeps them. Rejects where there are none yet and none can be
 * had; keys that were good yesterday are better than none.
 */
export function createSigningKeys(options: {
  /** `https://login.botframework.com/v1/.well-known/openidconfiguration` */
  readonly metadataUrl: URL;
  readonly ca?: string;
  readonly now: () => number;
}): SigningKeys {
  const { metadataUrl, ca, now } = options;
  let held: ReadonlyMap<string, Awaited<ReturnType<SigningKeys>>> = new Map();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function get(url: URL): Promise<unknown> {
    const answer = await callHttps({
      url,
      method: 'GET',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(ASK_MS),
      answerMaxBytes: ANSWER_MAX_BYTES,
      ...(ca === undefined ? {} : { ca }),
    });
    if (answer.status !== 200) throw new Error(`HTTP ${answer.status}`);
    return jsonOf(answer);
  }

  async function read(): Promise<void> {
    const { jwks_uri: address } = ((await get(metadataUrl)) ?? {}) as { readonly jwks_uri?: unknown };
    const url = typeof address === 'string' ? URL.parse(address) : null;
    // The document is believed because of where it is; what it points to has to be there too.
    if (url === null || url.origin !== metadataUrl.origin) throw new Error('the key set is elsewhere');
    const { keys } = ((await get(url)) ?? {}) as { readonly keys?: unknown };
    if (!Array.isArray(keys)) throw new Error('no key set');
    held = new Map(keys.flatMap(keyOf));
    readAtMs = now();
  }

  return async (kid) => {
    const isDue = now() - readAtMs > KEEP_MS || !held.has(kid);
    if (isDue && (asking !== undefined || now() - askedAtMs > ASK_AGAIN_MS)) {
      asking ??= read().finally(() => {
        askedAtMs = now();
        asking = undefined;
      });
      await asking.catch((error: unknown) => {
        if (held.size > 0) return;
        askedAtMs = Number.NEGATIVE_INFINITY; // without any, each answer is worth another try
        throw error;
      });
    }
    return held.get(kid);
  };
}

interface Jwk {
  readonly kty?: unknown;
  readonly kid?: unknown;
  readonly n?: unknown;
  readonly e?: unknown;
  readonly endorsements?: unknown;
}

/** What is no RSA key of at least 2,048 bits with an id is left out. */
function keyOf(jwk: Jwk | null): [string, { key: KeyObject; endorsements: readonly string[] }][] {
  if (jwk?.kty !== 'RSA' || typeof jwk.kid !== 'string' || typeof jwk.n !== 'string' || typeof jwk.e !== 'string')
    return [];
  try {
    const key = createPublicKey({ key: { kty: 'RSA', n: jwk.n, e: jwk.e }, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) return [];
    const endorsements = Array.isArray(jwk.endorsements) ? jwk.endorsements : [];
    return [[jwk.kid, { key, endorsements: endorsements.filter((one): one is string => typeof one === 'string') }]];
  } catch {
    return [];
  }
}
