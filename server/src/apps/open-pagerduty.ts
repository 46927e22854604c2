import { createPagerDutyNotifier } from '../adapters/notify/pagerduty.ts';
import { registerPagerDutyHook } from '../serve/hooks/pagerduty.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

const CHANNEL = 'pagerduty';
const EVENTS_URL = {
  us: 'https://events.pagerduty.com/v2/enqueue',
  eu: 'https://events.eu.pagerduty.com/v2/enqueue',
} as const;

/** PagerDuty, as the settings name it. */
export function openPagerDuty(settings: Settings, now: () => number): OpenedChannels {
  const { pagerDutyServices, pagerDutyRegion, pagerDutyWebhookSecrets: secrets } = settings;
  if (pagerDutyServices.length === 0) return { notifiers: [], endpoints: [], hooks: [] };
  const services = new Map(pagerDutyServices.map((pair) => pair.split('=', 2) as [string, string]));
  return {
    notifiers: [
      createPagerDutyNotifier({ channel: CHANNEL, services, eventsUrl: new URL(EVENTS_URL[pagerDutyRegion]), now }),
    ],
    endpoints: [...services.keys()].map((recipient) => ({ channel: CHANNEL, recipient })),
    hooks:
      secrets.length === 0
        ? []
        : [
            ({ answers, log }) =>
              (app) =>
                registerPagerDutyHook(app, { channel: CHANNEL, secrets, answers, log, now }),
          ],
  };
}
