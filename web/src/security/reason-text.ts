import { SECURITY_ALERT_KINDS, type SecurityAlert } from '@healthsync/contracts/security-alert';
import { KIND_WORDS } from './alert-words.ts';

type Reason = SecurityAlert['reasons'][number];

/** What else was noticed is named by the codes of its kinds: read here as the same words that head those alerts. */
export function reasonText({ code, text }: Reason): string {
  if (code !== 'also') return text;
  return SECURITY_ALERT_KINDS.reduce(
    (read, kind) => read.replace(new RegExp(`(?<=[:,] )${kind}(?=[,.])`), `“${KIND_WORDS[kind]}”`),
    text,
  );
}
