import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { User } from '../ports/accounts.ts';
import type { StoredPasskey } from '../ports/second-factors.ts';

/** Under which name the browser reached us: passkeys are bound to it (WebAuthn §5.1.2). */
export interface RelyingParty {
  /** The host, without a port. */
  readonly id: string;
  /** `https://host:port`. */
  readonly origin: string;
}

/** A person takes a minute to find the key, and another for the PIN. */
const TIMEOUT_MS = 120_000;

export async function creationOptions(user: User, rp: RelyingParty, known: readonly StoredPasskey[]) {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: 'HealthSync',
    rpID: rp.id,
    userName: user.name,
    userDisplayName: user.displayName,
    // Comes back as the user handle when a passkey is used without a name; says nothing but our id.
    userID: new Uint8Array(new TextEncoder().encode(user.id)),
    timeout: TIMEOUT_MS,
    // Which make of key it is, is the hospital's business; without attestation nothing about the device is learnt.
    attestationType: 'none',
    excludeCredentials: known.map(({ credentialId: id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
  });
}

/** For these keys, or for any of ours that the browser holds. */
export async function requestOptions(rp: RelyingParty, known: readonly StoredPasskey[]) {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: rp.id,
    timeout: TIMEOUT_MS,
    userVerification: 'required',
    ...(known.length > 0 && {
      allowCredentials: known.map(({ credentialId: id, transports }) => ({ id, transports: [...transports] })),
    }),
  });
}

/** The key that was made, or undefined where the answer is not one to our challenge, from our page, by a present user. */
export async function createdPasskey(
  response: unknown,
  expected: { readonly challenge: string; readonly rp: RelyingParty },
): Promise<Pick<StoredPasskey, 'credentialId' | 'publicKey' | 'counter' | 'transports'> | undefined> {
  const { verifyRegistrationResponse } = await library();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.rp.origin,
      expectedRPID: expected.rp.id,
      requireUserVerification: true,
    });
    if (!verified) return undefined;
    const { id, publicKey, counter, transports } = registrationInfo.credential;
    return { credentialId: id, publicKey, counter, transports: (transports ?? []).filter(isTransport) };
  } catch {
    return undefined; // whatever the browser sent, it is not a key
  }
}

/** The new counter, or undefined where the signature is not this key's over our challenge from our page. */
export async function assertedCounter(
  response: unknown,
  passkey: StoredPasskey,
  expected: { readonly challenge: string; readonly rp: RelyingParty },
): Promise<number | undefined> {
  const { verifyAuthenticationResponse } = await library();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.rp.origin,
      expectedRPID: expected.rp.id,
      credential: {
        id: passkey.credentialId,
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
      },
      requireUserVerification: true,
    });
    return verified ? authenticationInfo.newCounter : undefined;
  } catch {
    return undefined;
  }
}

/** What the browser calls the key in an answer. */
export function credentialIdOf(response: unknown): string | undefined {
  const id = (response as { readonly id?: unknown } | null)?.id;
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,1400}$/.test(id) ? id : undefined;
}

/** A hundred files, for the first who uses a passkey; a start does without them. */
const library = () => import('@simplewebauthn/server');

const isTransport = (text: string): boolean => /^[a-z-]{1,20}$/.test(text);
