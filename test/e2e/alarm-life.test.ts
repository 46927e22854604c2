import { join } from 'node:path';
import type { Alert, AlertDetail } from '@healthsync/contracts/alert';
import type { LiveAlert } from '@healthsync/contracts/live';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LiveEvents, listen } from './live.ts';
import { eventually, type Installation, install, type RunningServer } from './server.ts';

/** The same life as in a ward, with its minutes made seconds; the program is killed in the middle of it. */
const QUICK = {
  HEALTHSYNC_ALARM_ACK_MINUTES: '0.1,0.1,0.1',
  HEALTHSYNC_ALARM_REMIND_MINUTES: '0.05,0.05,0.05',
  HEALTHSYNC_ALARM_REMINDERS_MAX: '2',
  HEALTHSYNC_ALARM_SNOOZE_MINUTES: '0.1',
};

describe('an alarm’s life', () => {
  let home: Installation;
  let server: RunningServer;
  let nurse: string;
  let doctor: string;
  let deviceToken: string;
  let alarm: Alert;

  beforeAll(async () => {
    home = await install(QUICK);
    server = await home.start();
    await home.cli('device', 'enroll', 'bedside-9', '--patient', 'p-9', '--out', join(home.folder, 'out'));
    deviceToken = ((await home.cli('device', 'token', 'bedside-9')) as { token: string }).token;
    nurse = ((await home.cli('token', 'create', '--role', 'nurse')) as { token: string }).token;
    doctor = ((await home.cli('token', 'create', '--role', 'physician')) as { token: string }).token;
  });
  afterAll(() => home?.remove());

  let n = 0;
  const measure = (heartRate: number) =>
    home.fetch('/ingest/readings', {
      method: 'POST',
      token: deviceToken,
      body: { id: `r-${++n}`, at: new Date().toISOString(), vitals: { heartRate } },
    });
  const act = async (what: string, token: string, body?: object) =>
    home.fetch(`/api/alerts/${alarm.id}/${what}`, { method: 'POST', token, ...(body !== undefined && { body }) });
  const detail = async () => (await home.fetch(`/api/alerts/${alarm.id}`, { token: nurse })).body as AlertDetail;
  const happened = async () => (await detail()).history.map(({ change }) => change);
  const until = async (what: string, changes: readonly string[]) => {
    await eventually(what, async () => ((await happened()).length >= changes.length ? true : undefined), 60_000);
    expect(await happened()).toEqual(changes);
  };

  it('calls, is reminded of, and only so often', async () => {
    await measure(170);
    alarm = await eventually('the alarm', async () => {
      const { body } = await home.fetch('/api/alerts?patient=p-9&state=active&order=worklist', { token: nurse });
      return (body as { alerts: Alert[] }).alerts.find(({ rule }) => rule === 'heartRate.above.high');
    });
    await until('two reminders', ['raised', 'reminder', 'reminder']);
  });

  it('is silenced for a while, and is heard again by itself although the program was killed meanwhile', async () => {
    const { status, body } = await act('snooze', nurse, { minutes: 0.1 });
    expect([status, (body as Alert).snooze?.by]).toEqual([200, 'Script (nurse) (script-nurse)']);
    await server.kill();
    server = await home.start();
    await eventually('the end of the snooze', async () =>
      (await happened()).includes('unsnoozed') ? true : undefined,
    );
    // On a slow machine it is called for again before this is asked.
    const changes = (await happened()).filter((_, i, all) => i <= all.indexOf('unsnoozed'));
    expect(changes).toEqual(['raised', 'reminder', 'reminder', 'snoozed', 'unsnoozed']);
  });

  it('is taken, on every wall at once; the acknowledgement ends while the patient is not better', async () => {
    const live: LiveEvents = await listen({
      port: home.httpsPort,
      ca: home.ca(),
      token: nurse,
      query: '?vitals=false',
    });
    expect((await act('acknowledge', nurse)).status).toBe(200);
    const second = await act('acknowledge', doctor);
    expect([second.status, (second.body as { detail: string }).detail]).toEqual([
      409,
      'Script (nurse) (script-nurse) has it.',
    ]);
    const changes = () =>
      live.events
        .filter(({ name }) => name === 'alert')
        .map(({ data }) => data as LiveAlert)
        .filter(({ alert, change }) => alert.id === alarm.id && change !== 'reminder')
        .map(({ change, by }) => (by === undefined ? change : `${change} by ${by}`));
    await eventually('the acknowledgement to expire on the wall', async () =>
      changes().includes('acknowledgement-expired') ? true : undefined,
    );
    expect(changes().slice(0, 2)).toEqual(['acknowledged by Script (nurse) (script-nurse)', 'acknowledgement-expired']);
    live.close();
    expect((await detail()).alert).toMatchObject({ owner: 'Script (nurse) (script-nurse)' });
  });

  it('is taken on the command line too, and the wall knows at once', async () => {
    await home
      .cli('alarm', 'list', '--unacknowledged')
      .then((answer) =>
        expect((answer as { alarms: { id: string }[] }).alarms.map(({ id }) => id)).toContain(alarm.id),
      );
    await home.cli('alarm', 'acknowledge', alarm.id, '--as', 'script-physician');
    expect((await detail()).alert).toMatchObject({ owner: 'Script (physician) (script-physician)' });
  });

  it('is over when the patient is better; its history says who did what', async () => {
    await measure(80);
    await eventually('the end of the condition', async () =>
      (await detail()).alert.condition === 'ended' ? true : undefined,
    );
    // On a slow machine the acknowledgement may have expired before: then the end alone does not close it.
    if ((await detail()).alert.state === 'active') await act('acknowledge', doctor);
    const seen = (await detail()).history;
    expect(seen[0]?.change).toBe('raised');
    expect(seen.at(-1)?.change).toBe('resolved');
    const people = seen.flatMap(({ change, by }) => (by === undefined ? [] : `${change} ${by}`));
    expect(people.slice(0, 3)).toEqual([
      'snoozed Script (nurse) (script-nurse)',
      'acknowledged Script (nurse) (script-nurse)',
      'acknowledged Script (physician) (script-physician)',
    ]);
    expect(await server.stop()).toBe(0);
  });
});
