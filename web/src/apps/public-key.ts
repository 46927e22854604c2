/** A public key as RFC 7517 writes it, as far as it is looked at here; the server judges it. */
export type PublicKey = Readonly<Record<string, string>> & { readonly kty: string };

/** Every member a public key may have here; a private key's `d` is none of them. */
const PUBLIC = ['kty', 'kid', 'alg', 'use', 'crv', 'x', 'y', 'n', 'e'];

export type ReadKeys =
  | { readonly kind: 'keys'; readonly keys: readonly PublicKey[] }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * What somebody pasted: a JWK, a JWKS, or a public key in PEM. A private key is refused and goes nowhere: it has been
 * shown to a screen already, and its owner should know.
 */
export async function readPublicKeys(text: string): Promise<ReadKeys> {
  const trimmed = text.trim();
  if (/PRIVATE KEY/.test(trimmed)) return PRIVATE;
  const given = trimmed.startsWith('-----BEGIN') ? await fromPem(trimmed) : fromJson(trimmed);
  if (given === undefined || given.length === 0)
    return { kind: 'refused', why: 'Expected a public key: JWK, JWKS or PEM.' };
  if (given.some((key) => 'd' in key)) return PRIVATE;
  const keys = given.map((key) =>
    Object.fromEntries(PUBLIC.flatMap((name) => (name in key ? [[name, key[name]]] : []))),
  );
  return { kind: 'keys', keys: await Promise.all(keys.map((key) => named(key as PublicKey))) };
}

const PRIVATE: ReadKeys = {
  kind: 'refused',
  why: 'This is a private key. Nothing was sent; it stays with the system alone. Give the public one.',
};

function fromJson(text: string): readonly Record<string, string>[] | undefined {
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const keys = Array.isArray(parsed['keys']) ? parsed['keys'] : [parsed];
    return keys.every((key) => typeof key === 'object' && key !== null && typeof key.kty === 'string')
      ? keys
      : undefined;
  } catch {
    return undefined;
  }
}

/** What a SubjectPublicKeyInfo may hold here (SMART: ES384 and RS384; besides, P-256). */
const ALGORITHMS = [
  { name: 'ECDSA', namedCurve: 'P-384' },
  { name: 'ECDSA', namedCurve: 'P-256' },
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
] as const;

async function fromPem(text: string): Promise<readonly Record<string, string>[] | undefined> {
  const base64 = text.replace(/-----[A-Z ]+-----|\s/g, '');
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
  for (const algorithm of ALGORITHMS) {
    const key = await crypto.subtle.importKey('spki', bytes, algorithm, true, ['verify']).catch(() => undefined);
    if (key === undefined) continue;
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', key);
    const jwk = { kty, crv, x, y, n, e };
    return [
      Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined)) as Record<string, string>,
    ];
  }
  return undefined;
}

/** By its thumbprint where its maker gave it no name (RFC 7638 3.1). */
async function named(key: PublicKey): Promise<PublicKey> {
  if (key['kid'] !== undefined) return key;
  const { kty, crv, e, n, x, y } = key as Record<string, string>;
  const text = JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { e, kty, n });
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  const kid = btoa(String.fromCharCode(...hash))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  return { ...key, kid };
}
