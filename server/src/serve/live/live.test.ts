import type { IncomingMessage } from 'node:http';
import type { LiveAlert, LiveSnapshot, LiveVitals } from '@healthsync/contracts/live';
import {
  LiveAlert as AlertSchema,
  LiveSnapshot as SnapshotSchema,
  LiveVitals as VitalsSchema,
} from '@healthsync/contracts/live';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BedId, PatientId, UserId, WardId } from '../../domain/ids.ts';
import { sha256Of } from '../../identity/secrets.ts';
import { makeStatus, startTestServer, type TestServer } from '../test-server.ts';
import { NO_WARD } from './tile.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.stop());

interface Heard {
  readonly name: string;
  readonly id: number;
  readonly data: unknown;
}

/** Reads a stream as a browser would. */
async function listen(query = '', options: { readonly token?: string } = {}) {
  const token = options.token ?? (await server.token('kiosk'));
  const response = await server.open(`/api/live${query}`, { token });
  const events: Heard[] = [];
  let isOver = false;
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) events.push(parse(part));
  });
  response.on('close', () => {
    isOver = true;
  });
  response.on('error', () => {});
  const named = <T>(name: string) => events.filter((event) => event.name === name).map((event) => event.data as T);
  return {
    response,
    events,
    isOver: () => isOver,
    snapshots: () => named<LiveSnapshot>('snapshot'),
    vitals: () => named<LiveVitals>('vitals'),
    alerts: () => named<LiveAlert>('alert'),
    named,
    ready: () => vi.waitFor(() => expect(named('snapshot').length).toBeGreaterThan(0), 5_000),
    close: () => response.destroy(),
  };
}

function parse(part: string): Heard {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
  return { name: field('event'), id: Number(field('id')), data: JSON.parse(field('data')) };
}

function valid(schema: TSchema, value: unknown): void {
  expect([...Value.Errors(schema, value)]).toEqual([]);
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 20 });

describe('the live stream', () => {
  it('begins with everything the reader may see, in the promised shape, and without a name', async () => {
    server.world.statuses.set('P1', { ...makeStatus('P1', 82, server.now()), battery: 0.4 });
    server.ringAlarm({ id: 'A1', patientId: 'P1' });
    const stream = await listen();
    await stream.ready();
    const [snapshot] = stream.snapshots();
    valid(SnapshotSchema, snapshot);
    expect(snapshot?.wards).toEqual([
      { id: 'W1', name: 'Ward W1' },
      { id: 'W2', name: 'Ward W2' },
    ]);
    expect(snapshot?.tiles.map((tile) => [tile.patientId, tile.connection])).toEqual([
      ['P1', 'live'],
      ['P2', 'waiting'],
      ['P3', 'waiting'],
      ['P4', 'waiting'],
    ]);
    expect(snapshot?.tiles[0]?.values).toMatchObject({ heartRate: { v: 82, staleAfter: 5_000, lostAfter: 30_000 } });
    expect(snapshot?.alerts).toMatchObject([{ id: 'A1', bed: 'W1-B1', cause: { text: 'HR 171 > 160' } }]);
    expect(JSON.stringify(stream.events)).not.toMatch(/Family|MRN/);
    stream.close();
  });

  it('is not cached, compressed or gathered on its way', async () => {
    const stream = await listen();
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    expect(stream.response.headers['content-encoding']).toBeUndefined();
    stream.close();
  });

  it('tells each patient that changed once a tick, however often they changed', async () => {
    const stream = await listen();
    await stream.ready();
    for (let rate = 60; rate < 160; rate++) {
      server.world.statuses.set('P1', makeStatus('P1', rate, server.now()));
      server.live.touched(['P1' as PatientId]);
    }
    await until(() => expect(stream.vitals().length).toBe(1));
    const [vitals] = stream.vitals();
    valid(VitalsSchema, vitals);
    expect(vitals).toMatchObject({ wardId: 'W1', tiles: [{ patientId: 'P1', values: { heartRate: { v: 159 } } }] });
    expect(vitals?.tiles.length).toBe(1);
    stream.close();
  });

  it('writes an alarm in the very call that publishes it', async () => {
    const stream = await listen();
    await stream.ready();
    const alarm = server.ringAlarm({ id: 'A7', patientId: 'P1' });
    await until(() => expect(stream.alerts().length).toBe(1));
    valid(AlertSchema, stream.alerts()[0]);
    expect(stream.alerts()[0]).toMatchObject({ change: 'raised', alert: { id: 'A7', readingId: alarm.readingId } });
    server.live.alarmChanged({ kind: 'unchanged', atMs: 0, alarm });
    const token = await server.token('nurse');
    await server.call('/api/alerts/A7/acknowledge', { method: 'POST', token });
    await until(() => expect(stream.alerts().length).toBe(2));
    expect(stream.alerts()[1]).toMatchObject({ change: 'acknowledged' });
    stream.close();
  });

  it('gives every event an id that only grows, and beats while nothing happens', async () => {
    const stream = await listen();
    await until(() => expect(stream.named('beat').length).toBeGreaterThan(2));
    const ids = stream.events.map((event) => event.id);
    expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0))).toBe(true);
    stream.close();
  });

  it('a reader who comes back gets a snapshot, whatever they had last', async () => {
    const token = await server.token('kiosk');
    const response = await server.open('/api/live', { token, headers: { 'last-event-id': '123456' } });
    const first = await firstEvent(response);
    expect(first.name).toBe('snapshot');
    response.destroy();
  });

  it('tells silence: a patient whose device stops turns stale, then lost, with no reading arriving', async () => {
    server.world.statuses.set('P1', makeStatus('P1', 80, server.now()));
    const stream = await listen();
    await stream.ready();
    const connectionNow = () => stream.vitals().at(-1)?.tiles[0]?.connection;
    server.clock.offsetMs += 5_000;
    await until(() => expect(connectionNow()).toBe('stale'));
    server.clock.offsetMs += 25_000;
    await until(() => expect(connectionNow()).toBe('lost'));
    server.world.offline.add('D1');
    await until(() => expect(connectionNow()).toBe('offline'));
    expect(
      stream
        .vitals()
        .every((event) => event.tiles.every((tile) => tile.values['heartRate']?.v === 80 || tile.patientId !== 'P1')),
    ).toBe(true);
    stream.close();
  });

  it('shows leads off as such only while the device speaks', async () => {
    server.world.statuses.set('P1', { ...makeStatus('P1', 80, server.now()), leadsOff: true });
    const stream = await listen();
    await stream.ready();
    expect(stream.snapshots()[0]?.tiles[0]?.connection).toBe('leads-off');
    server.clock.offsetMs += 30_000;
    await until(() => expect(stream.vitals().at(-1)?.tiles[0]?.connection).toBe('lost'));
    stream.close();
  });

  it('a change of beds or wards brings a new snapshot', async () => {
    const stream = await listen();
    await stream.ready();
    server.world.change((snapshot) => ({
      ...snapshot,
      patients: snapshot.patients.map((one) =>
        one.id === 'P1' ? { ...one, wardId: 'W2' as WardId, bedId: 'W2-B9' as BedId, bed: 'W2-B9' } : one,
      ),
    }));
    server.live.registryChanged();
    await until(() => expect(stream.snapshots().length).toBe(2));
    expect(stream.snapshots()[1]?.tiles.find((tile) => tile.patientId === 'P1')).toMatchObject({ wardId: 'W2' });
    stream.close();
  });

  it('shows who is measured without a bed, in a ward of their own, to those with all wards', async () => {
    server.world.statuses.set('P5', makeStatus('P5', 90, server.now()));
    const stream = await listen();
    await stream.ready();
    expect(stream.snapshots()[0]?.wards.at(-1)).toEqual({ id: NO_WARD, name: 'No bed' });
    expect(stream.snapshots()[0]?.tiles.at(-1)).toMatchObject({ patientId: 'P5', wardId: NO_WARD, bed: 'No bed' });
    const scoped = await listen('', { token: await server.token('kiosk', ['W1']) });
    await scoped.ready();
    expect(JSON.stringify(scoped.snapshots())).not.toContain('P5');
    stream.close();
    scoped.close();
  });
});

describe('who sees what', () => {
  it('a reader of one ward never receives another’s tiles or alarms', async () => {
    server.ringAlarm({ id: 'A2', patientId: 'P3', wardId: 'W2' as WardId });
    const stream = await listen('', { token: await server.token('nurse', ['W1']) });
    await stream.ready();
    server.ringAlarm({ id: 'A3', patientId: 'P4', wardId: 'W2' as WardId });
    server.live.touched(['P1', 'P3'] as PatientId[]);
    server.ringAlarm({ id: 'A4', patientId: 'P2' });
    await until(() => expect(stream.alerts().length).toBe(1));
    await until(() => expect(stream.vitals().length).toBeGreaterThan(0));
    const everything = JSON.stringify(stream.events);
    expect(everything).toContain('P1');
    expect(everything).not.toMatch(/P3|P4|A2|A3|W2/);
    stream.close();
  });

  it('holds patients of other wards who were opened in an emergency, for as long as it lasts', async () => {
    const token = await server.token('nurse', ['W1']);
    const userId = 'u0' as UserId;
    const patientId = 'P3' as PatientId;
    const stream = await listen('', { token });
    await stream.ready();
    const beganAtMs = server.now();
    server.holdAccess({ emergencies: [{ id: 'E1', userId, patientId, beganAtMs, endsAtMs: beganAtMs + 600_000 }] });
    await until(() => expect(stream.isOver()).toBe(true));

    server.ringAlarm({ id: 'A8', patientId: 'P3', wardId: 'W2' as WardId });
    const anew = await listen('', { token });
    await anew.ready();
    expect(anew.snapshots()[0]?.tiles.map((tile) => tile.patientId)).toEqual(['P1', 'P2', 'P3']);
    expect(anew.snapshots()[0]?.alerts.map(({ id }) => id)).toEqual(['A8']);
    // With and without somebody else who watches that ward.
    const theirs = await listen('', { token: await server.token('nurse', ['W2']) });
    await theirs.ready();
    for (const [told, id] of ['A9', 'A10'].entries()) {
      server.world.statuses.set('P3', makeStatus('P3', 100 + told, server.now()));
      server.live.touched(['P3', 'P4'] as PatientId[]);
      server.ringAlarm({ id, patientId: 'P3', wardId: 'W2' as WardId });
      await until(() => expect(anew.alerts().map(({ alert }) => alert.id)).toContain(id));
      await until(() => expect(JSON.stringify(anew.vitals())).toContain(`"v":${100 + told}`));
      theirs.close();
    }
    expect(JSON.stringify(anew.events)).not.toContain('P4');
    // A wall of one ward stays one ward's.
    const narrowed = await listen('?ward=W1', { token });
    await narrowed.ready();
    expect(JSON.stringify(narrowed.snapshots())).not.toContain('P3');

    server.holdAccess({});
    await until(() => expect(anew.isOver()).toBe(true));
    narrowed.close();
  });

  it('an alarm follows its patient to the ward they lie in now', async () => {
    const stream = await listen('', { token: await server.token('nurse', ['W2']) });
    await stream.ready();
    server.ringAlarm({ id: 'A5', patientId: 'P3', wardId: 'W1' as WardId });
    await until(() => expect(stream.alerts().length).toBe(1));
    stream.close();
  });

  it('narrows to the wards asked for, and refuses those that are not the reader’s', async () => {
    const stream = await listen('?ward=W2');
    await stream.ready();
    expect(stream.snapshots()[0]?.tiles.map((tile) => tile.patientId)).toEqual(['P3', 'P4']);
    stream.close();
    const token = await server.token('nurse', ['W1']);
    const foreign = await server.call('/api/live?ward=W2', { token });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'other-ward']);
    expect((await server.call('/api/live?ward=W1&ward=W2', { token })).status).toBe(403);
    expect((await server.call(`/api/live?ward=${NO_WARD}`, { token })).status).toBe(403);
    expect((await server.call('/api/live?ward=..', { token })).status).toBe(400);
  });

  it('alarms alone, for those who want no vitals', async () => {
    const stream = await listen('?vitals=false');
    await stream.ready();
    expect(stream.snapshots()[0]?.tiles).toEqual([]);
    server.live.touched(['P1' as PatientId]);
    server.ringAlarm({ id: 'A6', patientId: 'P1' });
    await until(() => expect(stream.alerts().length).toBe(1));
    await until(() => expect(stream.named('beat').length).toBeGreaterThan(2));
    expect(stream.vitals()).toEqual([]);
    stream.close();
  });

  it('ends with `signed-out` when the session ends', async () => {
    await server.accounts.putUser({
      id: 'u-x' as never,
      name: 'ana',
      displayName: 'Ana',
      roles: ['nurse'],
      wardIds: [],
      passwordHash: (await server.passwords.hash('correct horse battery')) ?? '',
    });
    const signedIn = await server.signIn.signIn({ name: 'ana', password: 'correct horse battery', address: 'x' });
    if (signedIn.kind !== 'signed-in') throw new Error(signedIn.kind);
    const stream = await listen('', { token: signedIn.secret });
    await stream.ready();
    await server.call('/api/session', { method: 'DELETE', token: signedIn.secret });
    await until(() => expect(stream.isOver()).toBe(true));
    expect(stream.events.at(-1)?.name).toBe('signed-out');
    expect(server.live.readers()).toBe(0);
  });

  it('keeps its session alive: a wall that is watched is not idle', async () => {
    const user = { id: 'u-w' as never, name: 'wall', displayName: 'Wall', roles: ['nurse' as const], wardIds: [] };
    await server.accounts.putUser(user);
    const { secret } = await server.sessions.open(user);
    const stream = await listen('', { token: secret });
    await stream.ready();
    const idleUntil = async () =>
      (await server.accounts.findToken(sha256Of(secret), server.now()))?.token.idleExpiresAtMs ?? 0;
    for (let minutes = 0; minutes < 60; minutes += 20) {
      server.clock.offsetMs += 20 * 60_000;
      await vi.waitFor(async () => expect(await idleUntil()).toBeGreaterThan(server.now() + 25 * 60_000), 5_000);
    }
    expect(stream.isOver()).toBe(false);
    stream.close();
  });

  it('ends when the account is disabled by another process, as soon as the cached answer is old', async () => {
    const stream = await listen('', { token: await server.token('kiosk', ['W1', 'W2']) });
    await stream.ready();
    await server.accounts.disable('user0', server.now());
    server.clock.offsetMs += 5_001;
    await until(() => expect(stream.isOver()).toBe(true));
    expect(stream.events.at(-1)?.name).toBe('signed-out');
  });
});

describe('bounds', () => {
  it('a reader who does not read is dropped; the others go on', async () => {
    await server.stop();
    server = await startTestServer({ live: { behindBytes: 64 * 1024, dropBytes: 256 * 1024, behindMaxMs: 200 } });
    for (let i = 0; i < 4; i++) server.world.statuses.set(`P${i + 1}`, makeStatus(`P${i + 1}`, 80, server.now()));
    const good = await listen();
    const token = await server.token('kiosk');
    const stuck = await server.open('/api/live', { token });
    stuck.pause();
    await until(() => expect(server.live.readers()).toBe(2));
    let rung = 0;
    while (server.live.readers() === 2 && rung < 200_000) {
      for (let i = 0; i < 50; i++) server.ringAlarm({ id: `A${rung++}`, patientId: 'P1' });
      server.world.alarms.clear();
      await until(() => expect(good.alerts().length).toBe(rung));
    }
    expect(server.live.readers()).toBe(1);
    server.ringAlarm({ id: 'last', patientId: 'P1' });
    await until(() => expect(good.alerts().at(-1)?.alert.id).toBe('last'));
    stuck.destroy();
    good.close();
  });

  it('refuses more streams than one person may have, and says to come back', async () => {
    await server.stop();
    server = await startTestServer({ live: { readersPerOwnerMax: 2 } });
    const streams = [await listen(), await listen()];
    const refused = await server.call('/api/live', { token: await server.token('kiosk') });
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([503, 'too-many-streams', '5']);
    streams[0]?.close();
    await until(() => expect(server.live.readers()).toBe(1));
    const again = await listen();
    await again.ready();
    for (const stream of [...streams, again]) stream.close();
  });

  it('a HEAD request opens no stream', async () => {
    const { status } = await server.call('/api/live', { method: 'HEAD', token: await server.token('kiosk') });
    expect(status).not.toBe(200);
    expect(server.live.readers()).toBe(0);
  });
});

async function firstEvent(response: IncomingMessage): Promise<Heard> {
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.includes('\n\n')) return parse(text.split('\n\n', 1)[0] ?? '');
  }
  throw new Error('the stream ended');
}
