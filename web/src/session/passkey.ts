import type { FactorAdded, Me, PasskeyQuestion } from '@healthsync/contracts/session';
import { api } from '../api.ts';

/** Whether this browser knows passkeys, and the page has a name they can be bound to. */
export function hasPasskeys(): boolean {
  return 'PublicKeyCredential' in window && !/^[\d.]+$|^\[/.test(location.hostname);
}

/** A passkey alone: which person it belongs to, it says itself. */
export async function signInWithPasskey(): Promise<Me> {
  return api<Me>('/api/session/passkey', { method: 'POST', body: await askPasskey() });
}

/** The answer of a passkey, for whatever question is open with the server. */
export async function askPasskey(): Promise<{ readonly ticket: string; readonly response: unknown }> {
  const { ticket, options } = await api<PasskeyQuestion>('/api/session/passkey-options', { method: 'POST' });
  const { startAuthentication } = await import('@simplewebauthn/browser');
  return { ticket, response: await orSay(startAuthentication({ optionsJSON: options as never })) };
}

export async function makePasskey(label: string): Promise<FactorAdded> {
  const { ticket, options } = await api<PasskeyQuestion>('/api/session/factors/passkey', { method: 'POST' });
  const { startRegistration } = await import('@simplewebauthn/browser');
  const response = await orSay(startRegistration({ optionsJSON: options as never }));
  return api<FactorAdded>('/api/session/factors/passkey/confirm', {
    method: 'POST',
    body: { ticket, response, label },
  });
}

/** What a person should read; a browser's own words for "cancelled" are none. */
export class PasskeyProblem extends Error {}

async function orSay<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    throw new PasskeyProblem(
      name === 'InvalidStateError'
        ? 'This passkey is known already.'
        : 'The browser gave no passkey. Try again, or use another way.',
    );
  }
}
