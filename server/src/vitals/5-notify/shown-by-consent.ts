import type { Alarm } from '../../domain/alarm.ts';
import type { MessageSources } from './compose.ts';

type Shown = Required<Pick<MessageSources, 'nameOf' | 'rich'>>;

/**
 * Whose name a message bears and what was measured in the hour before: only where the patient's consent lets it be shown.
 * The alarm itself is told in any case (vital interests, GDPR Art. 9(2)(c)).
 */
export function shownByConsent(sources: Shown, mayShow: (patientId: Alarm['patientId']) => boolean): Shown {
  const { nameOf, rich } = sources;
  return {
    nameOf: async (alarm) => (mayShow(alarm.patientId) ? await nameOf(alarm) : undefined),
    rich: async (facts, alarm, words) => (mayShow(alarm.patientId) ? await rich(facts, alarm, words) : undefined),
  };
}
