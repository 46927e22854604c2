import type { Alert } from '@healthsync/contracts/alert';
import { span } from '../rules/rule-words.ts';

/** How often it has called in vain, and whether it is one of many: what makes the same words more urgent. */
export function againText({ reminders, cause, condition }: Alert): string {
  const repeated = cause.reasons?.repeated;
  return [
    reminders > 0 && condition === 'present' ? `reminded ${reminders}×` : '',
    repeated === undefined ? '' : `${repeated.times} times in ${span(repeated.windowMs)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
