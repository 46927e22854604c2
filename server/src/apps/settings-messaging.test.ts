import { describe, expect, it } from 'vitest';
import { openSlack } from './open-slack.ts';
import { openTeams } from './open-teams.ts';
import { readSettings } from './settings.ts';

const read = (environment: Record<string, string>) =>
  readSettings(environment, (path) => (path === '/run/secrets/slack' ? ' xoxb-1234567890-abc\n' : ''));
const errorsOf = (environment: Record<string, string>) => {
  const outcome = read(environment);
  return outcome.kind === 'invalid' ? outcome.errors.map(({ variable, problem }) => `${variable} ${problem}`) : [];
};
const settingsOf = (environment: Record<string, string>) => {
  const outcome = read(environment);
  if (outcome.kind === 'invalid') throw new Error(JSON.stringify(outcome.errors));
  return outcome.settings;
};
const SLACK = {
  HEALTHSYNC_SLACK_BOT_TOKEN_FILE: '/run/secrets/slack',
  HEALTHSYNC_SLACK_SIGNING_SECRET: '8f742231b10e8888abcd99aaabbb85a5',
  HEALTHSYNC_SLACK_CHANNELS: 'C012WARD3, G012NIGHT',
};
const TEAMS = {
  HEALTHSYNC_TEAMS_APP_ID: '11111111-2222-3333-4444-555555555555',
  HEALTHSYNC_TEAMS_APP_SECRET: 'a-secret-of-the-bot',
  HEALTHSYNC_TEAMS_TENANT_ID: '99999999-8888-7777-6666-555555555555',
  HEALTHSYNC_TEAMS_CHANNELS: '19:abc_DEF@thread.tacv2',
};

describe('the settings of Slack and Teams', () => {
  it('open nothing where nothing is set', () => {
    const settings = settingsOf({});
    for (const open of [openSlack, openTeams])
      expect(open(settings, Date.now)).toEqual({ notifiers: [], endpoints: [], hooks: [] });
  });
  it('open Slack with its channels and the address for answers', () => {
    const opened = openSlack(settingsOf(SLACK), Date.now);
    expect(opened.notifiers.map(({ channel, type }) => [channel, type])).toEqual([['slack', 'slack']]);
    expect(opened.endpoints.map(({ recipient }) => recipient)).toEqual(['C012WARD3', 'G012NIGHT']);
    expect(opened.hooks).toHaveLength(1);
  });
  it('open Teams by a bot and by workflows, whose addresses hold more than one =', () => {
    const workflows =
      'ward-3=https://prod.logic.azure.com/workflows/1/invoke?api-version=1&sig=x%3D,icu=https://b.example/2';
    const opened = openTeams(settingsOf({ ...TEAMS, HEALTHSYNC_TEAMS_WORKFLOWS: workflows }), Date.now);
    expect(opened.notifiers.map(({ channel }) => channel)).toEqual(['teams', 'teams-workflow']);
    expect(opened.endpoints).toEqual([
      { channel: 'teams', recipient: '19:abc_DEF@thread.tacv2' },
      { channel: 'teams-workflow', recipient: 'ward-3' },
      { channel: 'teams-workflow', recipient: 'icu' },
    ]);
    expect(opened.hooks).toHaveLength(1);
  });
  it('a button that nobody could believe is not offered: token and signing secret belong together', () => {
    const { HEALTHSYNC_SLACK_SIGNING_SECRET: _, ...unsigned } = SLACK;
    expect(errorsOf(unsigned)).toEqual([
      'HEALTHSYNC_SLACK_SIGNING_SECRET is needed, because HEALTHSYNC_SLACK_BOT_TOKEN is set',
    ]);
    const { HEALTHSYNC_TEAMS_TENANT_ID: __, ...homeless } = TEAMS;
    expect(errorsOf(homeless)).toEqual([
      'HEALTHSYNC_TEAMS_TENANT_ID is needed, because HEALTHSYNC_TEAMS_APP_ID is set',
    ]);
  });
  it('what is wrong is named without its value, which may be a secret', () => {
    const errors = errorsOf({
      HEALTHSYNC_SLACK_BOT_TOKEN: 'xoxp-a-person’s',
      HEALTHSYNC_TEAMS_WORKFLOWS: 'ward-3=http://unencrypted.example',
      HEALTHSYNC_PUSH_CONTACT: 'it@hospital.example',
      HEALTHSYNC_PUSH_SERVICES: 'https://push.example/x',
    });
    expect(errors).toHaveLength(4);
    expect(errors.join()).not.toMatch(/xoxp|unencrypted|hospital|push\.example/);
  });
});
