import { createTeamsNotifier } from '../adapters/notify/teams.ts';
import { createSigningKeys } from '../adapters/notify/teams-signing-keys.ts';
import { createTeamsWorkflowNotifier } from '../adapters/notify/teams-workflow.ts';
import { registerTeamsHook } from '../serve/hooks/teams.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

const BOT = 'teams';
const WORKFLOW = 'teams-workflow';

/** Teams by a bot, by workflows, or both, as the settings name them. */
export function openTeams(settings: Settings, now: () => number): OpenedChannels {
  const opened = [openBot(settings, now), openWorkflows(settings, now)];
  return {
    notifiers: opened.flatMap(({ notifiers }) => notifiers),
    endpoints: opened.flatMap(({ endpoints }) => endpoints),
    hooks: opened.flatMap(({ hooks }) => hooks),
  };
}

function openBot(settings: Settings, now: () => number): OpenedChannels {
  const { teamsAppId: appId, teamsAppSecret: appSecret, teamsTenantId: tenantId, teamsChannels } = settings;
  if (appId === undefined || appSecret === undefined || tenantId === undefined)
    return { notifiers: [], endpoints: [], hooks: [] };
  const keyOf = createSigningKeys({ metadataUrl: new URL(settings.teamsMetadataUrl), now });
  const [serviceUrl, loginUrl] = [new URL(settings.teamsServiceUrl), new URL(settings.teamsLoginUrl)];
  return {
    notifiers: [createTeamsNotifier({ channel: BOT, appId, appSecret, tenantId, serviceUrl, loginUrl, now })],
    endpoints: teamsChannels.map((recipient) => ({ channel: BOT, recipient })),
    hooks: [
      ({ answers, log }) =>
        (app) =>
          registerTeamsHook(app, { channel: BOT, appId, tenantId, keyOf, answers, log, now }),
    ],
  };
}

function openWorkflows({ teamsWorkflows }: Settings, now: () => number): OpenedChannels {
  if (teamsWorkflows.length === 0) return { notifiers: [], endpoints: [], hooks: [] };
  const workflows = new Map(
    teamsWorkflows.map((pair) => {
      const cut = pair.indexOf('='); // the address has more of them
      return [pair.slice(0, cut), new URL(pair.slice(cut + 1))];
    }),
  );
  return {
    notifiers: [createTeamsWorkflowNotifier({ channel: WORKFLOW, workflows, now })],
    endpoints: [...workflows.keys()].map((recipient) => ({ channel: WORKFLOW, recipient })),
    hooks: [],
  };
}
