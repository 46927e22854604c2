import { type Static, Type } from 'typebox';
import { PUSH_SERVICES } from '../adapters/notify/push-services.ts';
import { variable } from './setting-variable.ts';

const CLOUD_URL = '^https://\\S+/$';
const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

/** Slack, Teams and web push. What has to be set up on the other side is in `adapters/notify/{slack,teams}.ts`. */
export const MESSAGING_SETTINGS = {
  slackBotToken: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SLACK_BOT_TOKEN', 'a token that begins with xoxb-'),
      secret: true,
      pattern: '^xoxb-[A-Za-z0-9-]{10,200}$',
      description: 'Bot token of a Slack app with the scope `chat:write`, for messages with an acknowledge button.',
    }),
  ),
  slackSigningSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SLACK_SIGNING_SECRET', 'the signing secret of the Slack app, hexadecimal'),
      secret: true,
      pattern: '^[0-9a-f]{16,128}$',
      description:
        'Signing secret of the same app, which proves that a press of the button comes from Slack; needed with `HEALTHSYNC_SLACK_BOT_TOKEN`. The request URL for interactivity is `/hooks/slack/slack`.',
    }),
  ),
  slackChannels: Type.Array(Type.String({ pattern: '^[CG][A-Z0-9]{2,20}$' }), {
    ...variable('HEALTHSYNC_SLACK_CHANNELS', 'ids of Slack channels such as C012ABCDEF, separated by commas'),
    maxItems: 100,
    default: [],
    description: 'Slack channels that topics can be subscribed to; the bot must have been invited. People need none.',
  }),
  slackApiUrl: Type.String({
    ...variable('HEALTHSYNC_SLACK_API_URL', 'an https:// address that ends with /api/'),
    pattern: '^https://[^\\s/]+/api/$',
    default: 'https://slack.com/api/',
    description: 'The Web API of the Slack workspace; `https://slack-gov.com/api/` for GovSlack.',
  }),

  teamsAppId: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TEAMS_APP_ID', 'the application id of the bot'),
      pattern: UUID,
      description:
        'Bot for Teams, registered in Entra ID and as an Azure Bot of type single tenant. Its messaging endpoint is `/hooks/teams/teams`, which Microsoft must be able to reach.',
    }),
  ),
  teamsAppSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TEAMS_APP_SECRET', 'a client secret of the bot'),
      secret: true,
      minLength: 16,
      maxLength: 200,
      description: 'Client secret of the bot; needed with `HEALTHSYNC_TEAMS_APP_ID`.',
    }),
  ),
  teamsTenantId: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TEAMS_TENANT_ID', 'the id of the directory'),
      pattern: UUID,
      description: 'The directory the bot is of, whose people alone may answer; needed with `HEALTHSYNC_TEAMS_APP_ID`.',
    }),
  ),
  teamsChannels: Type.Array(Type.String({ pattern: '^19:[A-Za-z0-9_-]{1,120}@thread\\.(tacv2|skype)$' }), {
    ...variable('HEALTHSYNC_TEAMS_CHANNELS', 'ids of Teams channels such as 19:…@thread.tacv2, separated by commas'),
    maxItems: 100,
    default: [],
    description: 'Teams channels that topics can be subscribed to; the app must be installed in their teams.',
  }),
  teamsServiceUrl: Type.String({
    ...variable('HEALTHSYNC_TEAMS_SERVICE_URL', 'an https:// address that ends with /'),
    pattern: CLOUD_URL,
    default: 'https://smba.trafficmanager.net/teams/',
    description: 'The Bot Connector of Teams; `https://smba.infra.gcc.teams.microsoft.com/teams/` for GCC.',
  }),
  teamsLoginUrl: Type.String({
    ...variable('HEALTHSYNC_TEAMS_LOGIN_URL', 'an https:// address that ends with /'),
    pattern: CLOUD_URL,
    default: 'https://login.microsoftonline.com/',
    description: 'Where Entra ID gives the bot its tokens; `https://login.microsoftonline.us/` for GCC High.',
  }),
  teamsMetadataUrl: Type.String({
    ...variable('HEALTHSYNC_TEAMS_METADATA_URL', 'an https:// address'),
    pattern: '^https://\\S+$',
    default: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
    description:
      'Where the Bot Framework publishes the keys of what it sends; `https://login.botframework.azure.us/v1/.well-known/openidconfiguration` for GCC High.',
  }),
  teamsWorkflows: Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,40}=https://[^\\s]+$' }), {
    ...variable('HEALTHSYNC_TEAMS_WORKFLOWS', 'pairs such as ward-3=<address of the workflow>, separated by commas'),
    secret: true,
    maxItems: 50,
    default: [],
    description:
      'Teams channels told without a bot, by workflows of the template “Post to a channel when a webhook request is received”. They can be told, but cannot answer.',
  }),

  pushContact: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_PUSH_CONTACT', 'mailto: and an address, or an https:// address'),
      pattern: '^(mailto:[^\\s@]+@[^\\s@]+|https://\\S+)$',
      description:
        'Whom the push services of browsers may tell of trouble with our messages (RFC 8292). By default the address of this server.',
    }),
  ),
  pushServices: Type.Array(Type.String({ pattern: '^(\\*\\.)?[a-z0-9.-]{1,253}(:\\d{1,5})?$' }), {
    ...variable('HEALTHSYNC_PUSH_SERVICES', 'host names, separated by commas; *.name for all below it'),
    minItems: 1,
    maxItems: 50,
    default: [...PUSH_SERVICES],
    description: 'Push services of browsers that messages may be sent to.',
  }),
};

const AllMessaging = Type.Object(MESSAGING_SETTINGS);
type Values = Partial<Static<typeof AllMessaging>>;

/** Which of them make no sense without another: given, by which variable, whether the other is there, its variable. */
export function messagingNeeds(
  values: Values,
): readonly (readonly [given: boolean, by: string, has: boolean, variable: string])[] {
  const isGiven = (name: keyof Values) => {
    const value = values[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  };
  return NEEDS.map(([given, has]) => [isGiven(given), variableOf(given), isGiven(has), variableOf(has)]);
}

const NEEDS = [
  ['slackBotToken', 'slackSigningSecret'],
  ['slackSigningSecret', 'slackBotToken'],
  ['slackChannels', 'slackBotToken'],
  ['teamsAppId', 'teamsAppSecret'],
  ['teamsAppId', 'teamsTenantId'],
  ['teamsAppSecret', 'teamsAppId'],
  ['teamsTenantId', 'teamsAppId'],
  ['teamsChannels', 'teamsAppId'],
] as const satisfies readonly (readonly [keyof Values, keyof Values])[];

function variableOf(name: keyof Values): string {
  return (MESSAGING_SETTINGS[name] as unknown as { readonly variable: string }).variable;
}
