import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { type PatientId, parseWardId, type WardId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { Principal } from '../../identity/sessions.ts';
import { repeat } from '../../pacing/repeating.ts';
import { principalOf } from '../access-gate.ts';
import { noteAudit } from '../audited.ts';
import { bindCaller, may } from '../caller.ts';
import { invalid, sendProblem } from '../problem.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { patientsBeside, seesWard, wardsToShow } from '../ward-scope.ts';
import { encodeEvent } from './event.ts';
import type { LiveReader } from './hub.ts';
import { NO_WARD } from './tile.ts';

/** Answers about sessions are up to 5 s old: asked this often, an ended session stops receiving within 6 s. */
const RECHECK_MS = 1_000;
/** Sessions asked about at once, so that two thousand walls do not fill the database's pool. */
const RECHECKS_AT_ONCE = 16;
/** Wards named in one request: more than a hospital has. */
const WARDS_MAX = 100;

const Query = Type.Object(
  {
    ward: Type.Optional(
      Type.Union(
        [Type.String({ maxLength: 64 }), Type.Array(Type.String({ maxLength: 64 }), { maxItems: WARDS_MAX })],
        { description: 'Only these wards; may be repeated. Without it, every ward the caller may see.' },
      ),
    ),
    vitals: Type.Optional(Type.Boolean({ description: '`false`: alarms and beats only.' })),
  },
  { additionalProperties: false },
);

interface Stream {
  readonly secret: string;
  readonly principal: Principal;
  /** The wards asked for; none: every one that is theirs. */
  readonly asked: readonly WardId[];
  readonly scope: LiveScope;
  end(reason: 'signed-out' | 'changed'): void;
}

/** `GET /api/live`: the live stream as server-sent events, under the caller's session for as long as that lasts. */
export function registerLive(app: FastifyInstance, services: Services): void {
  const { live, signIn, access, view, log, now, inTenant = (_tenantId, work) => work() } = services;
  const streams = new Set<Stream>();
  const rechecking = repeat(recheck, {
    everyMs: RECHECK_MS,
    onError: (error) => log.error('live streams could not be looked at again', { error, component: 'live' }),
  });
  app.addHook('onClose', () => rechecking.stop());

  (app as unknown as Api).get(
    '/api/live',
    {
      // A HEAD request would open a stream for nothing.
      exposeHeadRoute: false,
      // A snapshot of a house is megabytes: whoever opens and closes makes much work.
      config: { action: 'wall.watch', cost: 10 },
      schema: { summary: 'Live vitals and alarms (server-sent events)', tags: ['live'], querystring: Query },
    },
    (request, reply) => {
      const principal = principalOf(request);
      const asked = [request.query.ward ?? []].flat();
      const wards = asked.map((text) => (text === NO_WARD ? NO_WARD : parseWardId(text)));
      if (wards.includes(undefined))
        return invalid(reply, [{ code: 'invalid-value', field: 'ward', detail: 'must be a ward id' }]);
      if (!(wards as WardId[]).every((ward) => seesWard(principal, ward)))
        return sendProblem(reply, { status: 403, code: 'other-ward', detail: 'A ward that is not yours.' });
      const scope = scopeOf(principal, { asked: wards as WardId[], view: view() });
      if (scope.beside.size > 0) noteAudit(request, { detail: { beside: [...scope.beside].join() } });
      return openStream(reply, {
        principal,
        secret: request.credential?.secret ?? '',
        wards: wards as WardId[],
        scope,
        wantsVitals: request.query.vitals !== false,
      });
    },
  );

  function openStream(
    reply: FastifyReply,
    asked: {
      readonly principal: Principal;
      readonly secret: string;
      readonly wards: readonly WardId[];
      readonly scope: LiveScope;
      readonly wantsVitals: boolean;
    },
  ): FastifyReply {
    const response = reply.raw;
    let isOpen = true;
    const reader: LiveReader = {
      owner: asked.principal.userId,
      tenantId: asked.principal.tenantId,
      wards: asked.scope.wards,
      beside: asked.scope.beside,
      wantsVitals: asked.wantsVitals,
      write: (bytes) => void response.write(bytes),
      pendingBytes: () => response.writableLength,
      end: () => response.end(),
    };
    const leave = live.attach(reader);
    if (leave === undefined)
      return sendProblem(reply, {
        status: 503,
        code: 'too-many-streams',
        detail: 'Too many live streams are open. Close one, or try again.',
        retryAfterMs: 5_000,
      });
    // The hub writes the snapshot in a later turn: the head goes first.
    reply.hijack();
    keepOpen(reply.request.raw.socket);
    // Ends with the connection, so that no chunk framing is added to every event.
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { ...plainHeaders(reply), ...STREAM_HEADERS });
    const stream: Stream = {
      secret: asked.secret,
      principal: asked.principal,
      asked: asked.wards,
      scope: asked.scope,
      end(reason) {
        if (reason === 'signed-out')
          response.write(encodeEvent({ id: 0, name: 'signed-out', json: JSON.stringify({ serverTime: now() }) }));
        response.end();
        close();
      },
    };
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      streams.delete(stream);
      leave();
    };
    streams.add(stream);
    response.on('close', close);
    response.on('error', close);
    return reply;
  }

  async function recheck(): Promise<void> {
    const bySecret = [...Map.groupBy(streams, (stream) => stream.secret)];
    for (let i = 0; i < bySecret.length; i += RECHECKS_AT_ONCE)
      await Promise.all(bySecret.slice(i, i + RECHECKS_AT_ONCE).map(([secret, theirs]) => recheckOne(secret, theirs)));
  }

  async function recheckOne(secret: string, theirs: readonly Stream[]): Promise<void> {
    let known: Principal | undefined;
    try {
      known = await signIn.authenticate(secret);
    } catch {
      // The database is away: a wall must go on ringing. What was known of the session holds until it expires.
      known = theirs.map((stream) => stream.principal).find(({ expiresAtMs }) => expiresAtMs > now());
    }
    const principal = known && bindCaller(known, { decisions: access, action: 'wall.watch' });
    for (const stream of theirs) {
      if (principal === undefined || !may(principal, 'wall.watch')) stream.end('signed-out');
      // Nobody's request leads here: the registry is asked as the stream's own organisation.
      else
        inTenant(principal.tenantId, () => {
          // Other wards, or somebody else in their care, than before: the client comes back and gets what it may see now.
          if (scopeOf(principal, { asked: stream.asked, view: view() }).key !== stream.scope.key) stream.end('changed');
        });
    }
  }
}

interface LiveScope {
  readonly wards: LiveReader['wards'];
  readonly beside: ReadonlySet<PatientId>;
  /** Equal for equal scopes. */
  readonly key: string;
}

/** What is theirs to watch, of what they asked for. */
function scopeOf(
  principal: Principal,
  { asked, view }: { readonly asked: readonly WardId[]; readonly view: RegistryView },
): LiveScope {
  const isNarrowed = asked.length > 0;
  const wards = isNarrowed ? asked.filter((ward) => seesWard(principal, ward)) : wardsToShow(principal, undefined);
  const beside = patientsBeside(principal, { wardIds: wards, isNarrowed, view });
  return {
    wards: wards === undefined ? 'all' : new Set(wards),
    beside: new Set(beside),
    key: `${wards?.join() ?? 'all'} ${beside.join()}`,
  };
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  connection: 'close',
  // nginx would gather events otherwise.
  'x-accel-buffering': 'no',
} as const;

/** An alarm must not wait for Nagle, nor a quiet ward for a timeout. */
function keepOpen(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setTimeout(0);
  socket.setKeepAlive(true, 15_000);
}

function plainHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
