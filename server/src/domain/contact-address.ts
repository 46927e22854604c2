import type { ChannelType } from './channel.ts';

/**
 * An address as the channel's notifier takes it, or undefined. Not whether it exists, which only the other side knows;
 * the same address must always be written the same way, or two people could have it.
 */
export function parseContactAddress(type: ChannelType, text: string): string | undefined {
  const address = NORMALISED[type]?.(text.trim());
  return address !== undefined && FORMATS[type]?.test(address) === true ? address : undefined;
}

const asItIs = (text: string) => text;
/** `+49 30 1234-56`: what people write between the digits. */
const digits = (text: string) => text.replaceAll(/[\s()./-]/g, '');
/** RFC 5321 §2.4: only the domain is the same in either case, but no mailbox in use tells `Anna` from `anna`. */
const lower = (text: string) => text.toLowerCase();
const upper = (text: string) => text.toUpperCase();

const NORMALISED: Readonly<Partial<Record<ChannelType, (text: string) => string>>> = {
  smtp: lower,
  sms: digits,
  whatsapp: digits,
  slack: upper,
  teams: lower,
  pagerduty: upper,
  'web-push': asItIs,
};

const E164 = /^\+[1-9]\d{6,14}$/; // ITU-T E.164 §6.2: at most 15 digits

const FORMATS: Readonly<Partial<Record<ChannelType, RegExp>>> = {
  smtp: /^[^\s@,<>"()[\]\\;:]{1,64}@[^\s@,<>"()[\]\\;:]{1,189}$/,
  sms: E164,
  whatsapp: E164,
  slack: /^[UW][A-Z0-9]{2,20}$/,
  teams: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  pagerduty: /^P[A-Z0-9]{2,19}$/,
  'web-push': /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/,
};
