import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { AlertDetail, AlertList } from '@healthsync/contracts/alert';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBotFramework } from '../../server/src/adapters/notify/test-bot-framework.ts';
import { startSlackApi } from '../../server/src/adapters/notify/test-slack-api.ts';
import { startTeamsConnector } from '../../server/src/adapters/notify/test-teams-connector.ts';
import { slackSignature } from '../../server/src/serve/hooks/slack.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

const SLACK = { token: 'xoxb-1234567890-abc', secret: '8f742231b10e8888abcd99aaabbb85a5', channel: 'C0WARD3' };
const BOT = {
  appId: '11111111-2222-3333-4444-555555555555',
  appSecret: 'a-secret-of-the-bot',
  tenantId: '99999999-8888-7777-6666-555555555555',
};
const ANNA = { slack: 'U0ANNA', teams: 'aaaaaaaa-0000-0000-0000-000000000001' };

/**
 * An alarm told in Slack and in Teams and taken there: the program in a process of its own, Slack and Microsoft as strict
 * as their documentation. Who a person is there, that person proves with a code that was sent there.
 */
describe('an alarm in Slack and Teams', () => {
  let folder: string;
  let slack: Awaited<ReturnType<typeof startSlackApi>>;
  let teams: Awaited<ReturnType<typeof startTeamsConnector>>;
  let framework: Awaited<ReturnType<typeof startBotFramework>>;
  let home: Installation;
  let server: RunningServer;
  let device: MqttClient;
  let anna: string;

  beforeAll(async () => {
    [slack, teams, framework] = await Promise.all([
      startSlackApi(SLACK.token),
      startTeamsConnector(BOT),
      startBotFramework(),
    ]);
    folder = await mkdtemp(join(tmpdir(), 'healthsync-messengers-'));
    await writeFile(join(folder, 'ca.pem'), [slack.ca, teams.ca, framework.ca].join('\n'));
    await writeFile(join(folder, 'slack-token'), `${SLACK.token}\n`, { mode: 0o600 });
    home = await install({
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      HEALTHSYNC_SLACK_API_URL: slack.apiUrl.href,
      HEALTHSYNC_SLACK_BOT_TOKEN_FILE: join(folder, 'slack-token'),
      HEALTHSYNC_SLACK_SIGNING_SECRET: SLACK.secret,
      HEALTHSYNC_SLACK_CHANNELS: SLACK.channel,
      HEALTHSYNC_TEAMS_APP_ID: BOT.appId,
      HEALTHSYNC_TEAMS_APP_SECRET: BOT.appSecret,
      HEALTHSYNC_TEAMS_TENANT_ID: BOT.tenantId,
      HEALTHSYNC_TEAMS_SERVICE_URL: teams.serviceUrl.href,
      HEALTHSYNC_TEAMS_LOGIN_URL: teams.loginUrl.href,
      HEALTHSYNC_TEAMS_METADATA_URL: framework.metadataUrl.href,
    });
    server = await home.start();
    await home.cli('device', 'enroll', 'bedside-7', '--patient', 'p-7', '--out', join(home.folder, 'out'));
    await writeFile(join(folder, 'password'), 'correct horse battery\n');
    await home.cli(
      'user',
      'add',
      'anna',
      '--role',
      'nurse',
      '--display-name',
      'Anna Berg',
      '--password-file',
      join(folder, 'password'),
    );
    ({ token: anna } = (await home.cli('token', 'create', '--user', 'anna')) as { token: string });
    device = await connectAsync(server.mqtts, {
      ca: readFileSync(join(home.folder, 'out', 'ca.pem')),
      cert: readFileSync(join(home.folder, 'out', 'cert.pem')),
      key: readFileSync(join(home.folder, 'out', 'key.pem')),
      clientId: 'bedside-7',
      reconnectPeriod: 0,
    });
  });
  afterAll(async () => {
    await device?.endAsync();
    await home?.remove();
    await Promise.all([slack?.close(), teams?.close(), framework?.close()]);
    await rm(folder, { recursive: true });
  });

  const reading = (id: string, vitals: object) =>
    device.publishAsync('devices/bedside-7/readings', JSON.stringify({ id, at: new Date().toISOString(), vitals }), {
      qos: 1,
    });
  const openAlarm = async (rule: string) => {
    const { body } = await home.fetch('/api/alerts?patient=p-7&state=active', { token: anna });
    return (body as AlertList).alerts.find((alert) => alert.rule === rule);
  };
  const detail = async (id: string) => (await home.fetch(`/api/alerts/${id}`, { token: anna })).body as AlertDetail;
  const post = (path: string, body: object) => home.fetch(path, { method: 'POST', token: anna, body });
  const hook = (path: string, headers: Record<string, string>, body: string) => fetchAs(home, path, headers, body);

  async function prove(channel: 'slack' | 'teams', address: string, codeOf: () => string | undefined) {
    expect((await post('/api/me/contacts/send-code', { channel, address })).status).toBeLessThan(300);
    const code = await eventually('the code', async () => codeOf());
    expect((await post('/api/me/contacts/confirm', { channel, address, code })).status).toBe(200);
  }

  it('a nurse proves who she is in both, and is told in both', async () => {
    const contacts = [
      { channel: 'slack', address: ANNA.slack },
      { channel: 'teams', address: ANNA.teams },
    ];
    expect((await home.fetch('/api/me/contacts', { method: 'PUT', token: anna, body: { contacts } })).status).toBe(200);
    await prove('slack', ANNA.slack, () => codeIn(slack.messages.at(-1)));
    await prove('teams', ANNA.teams, () => codeIn(teams.posted.at(-1)));
    const topics = { subscriptions: [{ topic: 'alarms.high' }] };
    expect((await home.fetch('/api/me/topics', { method: 'PUT', token: anna, body: topics })).status).toBe(200);

    await reading('r1', { heartRate: 165, spo2: 97 });
    const [inSlack, inTeams] = [
      await eventually('the alarm in Slack', async () => slack.messages.find(isAcknowledgeable)),
      await eventually('the alarm in Teams', async () => teams.posted.find(isAcknowledgeable)),
    ];
    // By default the bed and the priority: no name, no value.
    expect(JSON.stringify([inSlack, inTeams])).not.toMatch(/(?<!\.)\b165\b|\bp-7\b|heart/i);
  });

  it('she takes it in Slack; there and in Teams the message says so', async () => {
    const alarm = await eventually('the alarm', () => openAlarm('heartRate.above.high'));
    const value = JSON.stringify(slack.messages.find(isAcknowledgeable)).match(/"value":"([^"]+)"/)?.[1] ?? '';
    const payload = {
      type: 'block_actions',
      user: { id: ANNA.slack },
      message: { blocks: [] },
      actions: [{ action_id: 'healthsync_acknowledge', value }],
    };
    const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
    const seconds = String(Math.floor(Date.now() / 1_000));
    const signed = (secret: string) => ({
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': seconds,
      'x-slack-signature': slackSignature(secret, seconds, Buffer.from(body)),
    });
    expect(await hook('/hooks/slack/slack', signed('another secret'), body)).toMatchObject({ status: 401 });
    expect(await hook('/hooks/slack/slack', signed(SLACK.secret), body)).toMatchObject({ status: 200 });

    const taken = await eventually('the alarm taken', async () => {
      const { alert } = await detail(alarm.id);
      return alert.acknowledgedBy === undefined ? undefined : alert;
    });
    expect(taken.acknowledgedBy).toBe('Anna Berg (anna)');
    await eventually('Slack’s message without its button', async () =>
      slack.messages.some(isAcknowledgeable) ? undefined : true,
    );
    await eventually('Teams’ card without its button', async () =>
      teams.posted.some(isAcknowledgeable) ? undefined : true,
    );
  });

  it('the next one she takes in Teams, and pressing again says whose it is', async () => {
    await reading('r2', { spo2: 80 });
    const card = await eventually('the second card', async () => teams.posted.find(isAcknowledgeable));
    const answerToken = JSON.stringify(card).match(/"answerToken":"([^"]+)"/)?.[1] ?? '';
    const sign = framework.signer('k1');
    const press = async (id: string, tenantId = BOT.tenantId) => {
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const token = await sign({
        iss: 'https://api.botframework.com',
        aud: BOT.appId,
        serviceurl: teams.serviceUrl.href,
        exp: nowSeconds + 3_600,
      });
      const activity = {
        type: 'invoke',
        name: 'adaptiveCard/action',
        id,
        channelId: 'msteams',
        serviceUrl: teams.serviceUrl.href,
        from: { id: '29:1', aadObjectId: ANNA.teams },
        conversation: { id: 'a:1', tenantId },
        value: {
          action: { type: 'Action.Execute', verb: 'healthsync/acknowledge', data: { answerToken, subject: 'Alarm' } },
        },
      };
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      return hook('/hooks/teams/teams', headers, JSON.stringify(activity));
    };
    expect(await press('f:0', BOT.appId)).toMatchObject({ status: 401 });
    expect((await press('f:1')).text).toContain('Acknowledged by Anna Berg (anna)');
    expect((await press('f:2')).text).toContain('Already acknowledged by Anna Berg (anna)');
    await eventually('Slack’s message without its button', async () =>
      slack.messages.some(isAcknowledgeable) ? undefined : true,
    );
  });

  it('no secret is in the log', () => {
    const log = server.log();
    for (const secret of [SLACK.token, SLACK.secret, BOT.appSecret, 'bot-token', ANNA.teams, ANNA.slack])
      expect(log).not.toContain(secret);
  });
});

const isAcknowledgeable = (message: unknown) => /healthsync[_/]acknowledge/.test(JSON.stringify(message));
const codeIn = (message: unknown) =>
  /\b(\d{6,8})\b/.exec(JSON.stringify(message ?? '').replaceAll(/"(ts|id|delivery)":"[^"]*"/g, ''))?.[1];

/** As Slack and Microsoft call: headers of their own, and a body as it was signed. */
async function fetchAs(home: Installation, path: string, headers: Record<string, string>, body: string) {
  const to = { host: 'localhost', port: home.httpsPort, path, method: 'POST', ca: home.ca(), headers };
  const sent = request(to).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, text: await text(response) };
}
