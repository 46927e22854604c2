import { scopeText } from '../session/scope-words.ts';
import { dayText, evidenceText } from '../times/time-text.ts';

const DAY_MS = 86_400_000;
/** Sooner than this somebody should have thought of the next one. */
const SOON_DAYS = 14;

const FACTOR_WORDS: Readonly<Record<string, string>> = {
  password: 'password',
  totp: 'code from an app',
  passkey: 'passkey',
  recovery: 'recovery code',
  federated: 'the hospital’s own sign-in',
  'api-key': 'key',
  'private-key-jwt': 'its own key',
};

/** `password and passkey`. */
export function factorsText(factors: readonly string[]): string {
  const words = factors.map((factor) => FACTOR_WORDS[factor] ?? factor);
  return words.length === 0 ? 'unknown' : `by ${words.join(' and ')}`;
}

export const usedText = (at: string | undefined): string =>
  at === undefined ? 'not used yet' : `last used ${evidenceText(at)}`;

/** `read alarms; watch the wall`; without scopes: all. */
export function scopesText(scopes: readonly string[] | undefined, words?: ReadonlyMap<string, string>): string {
  if (scopes === undefined || scopes.includes('*')) return 'Everything its owner may do';
  return scopes.map((scope) => scopeText(scope, words)).join('; ');
}

export function expiryText(at: string, nowMs: number): string {
  const days = Math.ceil((Date.parse(at) - nowMs) / DAY_MS);
  if (days <= 0) return 'has ended';
  if (days > SOON_DAYS) return `until ${dayText(at)}`;
  return `⚠ ends in ${days === 1 ? 'a day' : `${days} days`}`;
}
