import { expect, it } from 'vitest';
import type { Alarm } from '../../domain/alarm.ts';
import type { MessageFacts, MessageWords } from '../../domain/message-words.ts';
import { shownByConsent } from './shown-by-consent.ts';

it('neither name nor the last hour is in a message about somebody who does not consent, from the moment of revocation on', async () => {
  let isGiven = true;
  const content = { html: '<p>', images: [] };
  const sources = shownByConsent({ nameOf: async () => 'Ada Lovelace', rich: async () => content }, () => isGiven);
  const alarm = { patientId: 'P1' } as Alarm;
  const shown = async () => [
    await sources.nameOf(alarm),
    await sources.rich({} as MessageFacts, alarm, {} as MessageWords),
  ];
  expect(await shown()).toEqual(['Ada Lovelace', content]);
  isGiven = false;
  expect(await shown()).toEqual([undefined, undefined]);
});
