import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** A security key in software (WebAuthn Level 2), which can be told to lie. */
export interface Authenticator {
  create(challenge: string, lies?: Lies): object;
  get(challenge: string, lies?: Lies): object;
}

export interface Lies {
  /** Nobody was asked for a PIN or a finger. */
  readonly isUnverified?: true;
  readonly origin?: string;
  readonly rpId?: string;
  readonly counter?: number;
  readonly type?: string;
  readonly key?: KeyObject;
}

export function createAuthenticator(home: { readonly origin: string; readonly rpId: string }): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(16);
  let used = 0;

  function data({ isUnverified, rpId = home.rpId, counter = ++used }: Lies, isNew: boolean): Buffer {
    // §6.1: hash of the RP ID, flags (UP, UV, AT), counter; then what was made.
    const flags = 0x01 | (isUnverified === true ? 0 : 0x04) | (isNew ? 0x40 : 0);
    const head = Buffer.alloc(5);
    head[0] = flags;
    head.writeUInt32BE(counter, 1);
    const made = isNew ? [Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(publicKey)] : [];
    return Buffer.concat([sha256(Buffer.from(rpId)), head, ...made]);
  }

  function said(challenge: string, type: string, { origin = home.origin, ...lies }: Lies): Buffer {
    return Buffer.from(JSON.stringify({ type: lies.type ?? type, challenge, origin, crossOrigin: false }));
  }

  const credential = (response: object): object => ({
    id: id.toString('base64url'),
    rawId: id.toString('base64url'),
    type: 'public-key',
    clientExtensionResults: {},
    response,
  });

  return {
    create(challenge, lies = {}) {
      const authData = data(lies, true);
      // CBOR (RFC 8949): { fmt: "none", attStmt: {}, authData: bytes }
      const attestation = Buffer.concat([
        Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746159', 'hex'),
        Buffer.from([authData.length >> 8, authData.length & 255]),
        authData,
      ]);
      return credential({
        clientDataJSON: said(challenge, 'webauthn.create', lies).toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['usb'],
      });
    },
    get(challenge, lies = {}) {
      const authData = data(lies, false);
      const client = said(challenge, 'webauthn.get', lies);
      const signature = createSign('sha256')
        .update(Buffer.concat([authData, sha256(client)]))
        .sign(lies.key ?? privateKey);
      return credential({
        clientDataJSON: client.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
      });
    },
  };
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** RFC 9053 §7.1: { kty: EC2, alg: ES256, crv: P-256, x, y } */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]);
}
