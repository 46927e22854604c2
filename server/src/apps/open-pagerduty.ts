import { createPagerDutyNotifier } from '../adapters/notify/pagerduty.ts';
import { registerPagerDutyHook } from '../serve/hooks/pagerduty.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

const CHANNEL = 'pagerduty';
/** PagerDuty, as the settings name it. */
export function openPagerDuty(settings: Settings, now: () => number): OpenedChannels {
  const { pagerDutyServices, pagerDutyEventsUrl, pagerDutyWebhookSecrets: secrets } = settings;
  if (pagerDutyServices.length === 0) return { notifiers: [], endpoints: [], hooks: [] };
  const services = new Map(pagerDutyServices.map((pair) => pair.split('=', 2) as [string, string]));
  return {
    notifiers: [createPagerDutyNotifier({ channel: CHANNEL, services, eventsUrl: new URL(pagerDutyEventsUrl), now })],
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
