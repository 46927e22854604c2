import { createSlackNotifier } from '../adapters/notify/slack.ts';
import { sendSlackResponse } from '../adapters/notify/slack-response.ts';
import { registerSlackHook } from '../serve/hooks/slack.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

const CHANNEL = 'slack';

/** Slack, as the settings name it. */
export function openSlack(settings: Settings, now: () => number): OpenedChannels {
  const { slackBotToken: botToken, slackSigningSecret: signingSecret, slackChannels, slackApiUrl } = settings;
  if (botToken === undefined || signingSecret === undefined) return { notifiers: [], endpoints: [], hooks: [] };
  const respond = (url: string, body: object, signal: AbortSignal) => sendSlackResponse(url, body, { signal });
  return {
    notifiers: [createSlackNotifier({ channel: CHANNEL, botToken, apiUrl: new URL(slackApiUrl), now })],
    endpoints: slackChannels.map((recipient) => ({ channel: CHANNEL, recipient })),
    hooks: [
      ({ answers, log }) =>
        (app) =>
          registerSlackHook(app, { channel: CHANNEL, signingSecret, answers, respond, log, now }),
    ],
  };
}
