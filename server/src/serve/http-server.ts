import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import fastifyCookie from '@fastify/cookie';
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import { networkOf } from '../identity/sign-in-limits.ts';
import { registerGate } from './access-gate.ts';
import { registerAlertActs } from './api/alert-acts.ts';
import { registerAlerts } from './api/alerts.ts';
import { registerDeviceCertificates } from './api/device-certificates.ts';
import { registerDevices } from './api/devices.ts';
import { registerLimits } from './api/limits.ts';
import { registerPatients } from './api/patients.ts';
import { registerRejectedReadings } from './api/rejected-readings.ts';
import { registerRuleOverrides } from './api/rule-overrides.ts';
import { registerRuleProposals } from './api/rule-proposals.ts';
import { registerRules } from './api/rules.ts';
import { registerSession } from './api/session.ts';
import { registerVitals } from './api/vitals.ts';
import { registerAskingTenant } from './asking-tenant.ts';
import { registerAudit } from './audited.ts';
import { registerCspReports } from './csp-reports.ts';
import { answerClientError, registerErrors, toProblem } from './errors.ts';
import { registerHealth } from './health.ts';
import { acceptEmptyBodies, strictJsonParser } from './json-body.ts';
import { registerLive } from './live/live-route.ts';
import { describeApi } from './openapi.ts';
import { sendProblem } from './problem.ts';
import { REQUESTS_PER_MINUTE } from './request-budget.ts';
import { registerRequestGuard, servedNames } from './request-guard.ts';
import { requestLimits } from './request-limits.ts';
import { registerSecurityHeaders, securityHeaders } from './security-headers.ts';
import type { Services } from './services.ts';
import { TLS_CIPHERS } from './tls-ciphers.ts';
import { compileValidator } from './validation.ts';
import { isPageRequest, registerWebApp, sendPage } from './web-app.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route there is. */
    readonly routeList: readonly RouteOptions[];
  }
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  readonly tls: {
    readonly key: string | Buffer;
    readonly cert: string | Buffer;
    /** Who may vouch for devices; a browser shows no certificate and needs none. */
    readonly deviceCa: string | Buffer | readonly (string | Buffer)[];
    /** Default TLSv1.3. */
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  };
  /** Where the built web app lies. */
  readonly webFolder: string;
  /** In which its pages show times, wherever they are read; default UTC. */
  readonly timeZone?: string;
  readonly version: string;
  /** Under which it is reached, beside those of its certificate. */
  readonly names?: readonly string[];
  /** Every browser trusts the certificate by itself: only then is HSTS sent. */
  readonly hasPublicCertificate?: boolean;
  /** Further routes, such as the devices' entry; each declares its access like ours. */
  readonly plugins?: readonly ((app: FastifyInstance) => Promise<void> | void)[];
  readonly bounds?: Partial<HttpBounds>;
}

export const HTTP_BOUNDS = {
  /** Sockets: devices that speak HTTPS, walls, and people; far below the file descriptors the program asks for. */
  connectionsMax: 15_000,
  /** Two thirds of them: one address, be it a gateway with a house behind it, leaves room for all others. */
  connectionsPerAddressMax: 10_000,
  /** Everything people send fits; the devices' entry sets its own. */
  bodyMaxBytes: 64 * 1024,
  headersMaxBytes: 16 * 1024,
  /** A whole request must have arrived within this, its headers sooner: slow senders hold sockets. */
  requestMs: 30_000,
  headersMs: 10_000,
  /** How often both are looked at; Node's 30 s would let a slow sender stay for 40. */
  slowCheckMs: 5_000,
  handshakeMs: 10_000,
  /** Longer than the usual balancer's idle time of 60 s, so that we are not the one to close under it. */
  keepAliveMs: 72_000,
  /** Per address, devices' entry apart. */
  requestsPerMinuteMax: REQUESTS_PER_MINUTE.address,
  /** Per account, over all its sessions and keys. */
  callerRequestsPerMinuteMax: REQUESTS_PER_MINUTE.caller,
  /** Tokens and codes of devices that are none, per address. */
  deviceGuessesPerMinuteMax: REQUESTS_PER_MINUTE.deviceGuess,
  /** Requests under way get this long when we stop. */
  drainMs: 5_000,
} as const;
export type HttpBounds = { readonly [Name in keyof typeof HTTP_BOUNDS]: number };

export interface HttpServer {
  readonly app: FastifyInstance;
  listen(): Promise<{ readonly port: number }>;
  /** A renewed certificate, and whose devices' certificates are believed, for connections made from now on. */
  setCertificate(certificate: {
    readonly key: string | Buffer;
    readonly cert: string | Buffer;
    readonly ca?: string;
  }): void;
  /** Ends live streams, lets requests finish, closes. Idempotent. */
  close(): Promise<void>;
}

export async function createHttpServer(options: HttpServerOptions, services: Services): Promise<HttpServer> {
  const bounds: HttpBounds = { ...HTTP_BOUNDS, ...options.bounds };
  const security = { hasPublicCertificate: options.hasPublicCertificate === true };
  const app = Fastify({
    // We log what is safe ourselves: a path may hold a patient's id.
    logger: false,
    https: tlsOptions(options, bounds),
    bodyLimit: bounds.bodyMaxBytes,
    requestTimeout: bounds.requestMs,
    keepAliveTimeout: bounds.keepAliveMs,
    forceCloseConnections: 'idle',
    genReqId: () => randomUUID(),
    clientErrorHandler: answerClientError,
    // What the router refuses before any hook or handler of ours.
    frameworkErrors(error, request, reply) {
      reply.headers(securityHeaders(security)).header('x-request-id', request.id);
      sendProblem(reply as never, toProblem(error));
    },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
  }) as unknown as FastifyInstance;
  const server = app.server as unknown as Server<typeof IncomingMessage, typeof ServerResponse>;
  server.maxConnections = bounds.connectionsMax;
  boundConnections(server, bounds.connectionsPerAddressMax);
  server.headersTimeout = bounds.headersMs;
  countHandshakes(server, services);

  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  app.decorate('routeList', routes);
  app.setValidatorCompiler(compileValidator as Parameters<typeof app.setValidatorCompiler>[0]);
  app.setSerializerCompiler(() => JSON.stringify);
  app.removeContentTypeParser(['text/plain', 'application/json']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, strictJsonParser(app));
  let isOurs = servedNames(options.tls.cert, options.names ?? []);
  const limits = requestLimits(
    {
      perAddressPerMinute: bounds.requestsPerMinuteMax,
      perCallerPerMinute: bounds.callerRequestsPerMinuteMax,
      deviceGuessesPerMinute: bounds.deviceGuessesPerMinuteMax,
    },
    services.now,
  );
  registerErrors(app, services.log);
  registerSecurityHeaders(app, security);
  registerRequestGuard(app, { isOurs: (host) => isOurs(host) });
  observeRequests(app, services);
  await app.register(fastifyCookie);
  limits.atTheDoor(app);
  registerGate(app, services);
  limits.inside(app);
  registerAudit(app, services);
  registerAskingTenant(app, services);

  await app.register(async (api) => {
    acceptEmptyBodies(api);
    registerSession(api, services);
    registerPatients(api, services);
    registerVitals(api, services);
    registerLimits(api, services);
    registerRules(api, services);
    registerRuleOverrides(api, services);
    registerRuleProposals(api, services);
    registerAlerts(api, services);
    registerAlertActs(api, services);
    registerDevices(api, services);
    registerDeviceCertificates(api, services);
    registerRejectedReadings(api, services);
    registerLive(api, services);
    registerHealth(api, services);
  });
  registerCspReports(app, services.log, services.now);
  for (const plugin of options.plugins ?? []) await app.register(async (scope) => plugin(scope));
  const page = { folder: options.webFolder, timeZone: options.timeZone ?? 'UTC' };
  await registerWebApp(app, page);
  let description: Buffer | undefined;
  app.get(
    '/api/openapi.json',
    { config: { public: true }, schema: { summary: 'This description', tags: ['operations'] } },
    (_request, reply) => {
      // Put together once: everybody may ask, and it is as much work as fifty other answers.
      description ??= Buffer.from(JSON.stringify(describeApi(routes, options.version)));
      return reply.type('application/json; charset=utf-8').send(description);
    },
  );
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(routes, request.url);
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      reply.header('allow', allowed.join(', '));
      return sendProblem(reply, { status: 405, code: 'method-not-allowed', detail: `Use ${allowed.join(', ')}.` });
    }
    if (isPageRequest(request)) return sendPage(reply, page);
    return sendProblem(reply, { status: 404, code: 'not-found', detail: 'There is nothing at this address.' });
  });
  await app.ready();

  let closing: Promise<void> | undefined;
  return {
    app,
    async listen() {
      await app.listen({ host: options.host, port: options.port });
      return { port: (server.address() as AddressInfo).port };
    },
    setCertificate(certificate) {
      server.setSecureContext({ ...tlsOptions(options, bounds), ...certificate } as Parameters<
        typeof server.setSecureContext
      >[0]);
      isOurs = servedNames(certificate.cert, options.names ?? []);
    },
    close() {
      closing ??= stop();
      return closing;
    },
  };

  async function stop(): Promise<void> {
    services.live.close();
    const force = setTimeout(() => server.closeAllConnections(), bounds.drainMs);
    await app.close();
    clearTimeout(force);
  }
}

function tlsOptions({ tls }: HttpServerOptions, bounds: HttpBounds) {
  return {
    key: tls.key,
    cert: tls.cert,
    ca: [tls.deviceCa].flat() as (string | Buffer)[],
    minVersion: tls.minVersion ?? 'TLSv1.3',
    ciphers: TLS_CIPHERS,
    // Asked for, never demanded: what a certificate opens is decided per route (`client-certificate.ts`).
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: bounds.handshakeMs,
    maxHeaderSize: bounds.headersMaxBytes,
    connectionsCheckingInterval: bounds.slowCheckMs,
    noDelay: true,
  } as const;
}

function observeRequests(app: FastifyInstance, { hooks }: Services): void {
  app.addHook('onResponse', (request, reply, done) => {
    hooks?.request?.({
      method: request.method,
      route: request.is404 ? 'none' : (request.routeOptions.url ?? 'none'),
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });
}

/** Who holds many connections open must not take the place of everybody else's. */
function boundConnections(server: Server, perAddressMax: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? '');
    const count = (open.get(network) ?? 0) + 1;
    if (count > perAddressMax) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}

function countHandshakes(server: Server, { hooks }: Services): void {
  server.on('secureConnection', (socket: TLSSocket) =>
    hooks?.handshake?.(socket.isSessionReused() ? 'resumed' : 'full'),
  );
  server.on('tlsClientError', () => hooks?.handshake?.('failed'));
}

/** Which methods this address has; empty: it is not one of ours. */
function methodsOf(routes: readonly RouteOptions[], url: string): readonly string[] {
  const path = (url.split('?', 1)[0] ?? '').replace(/(.)\/$/, '$1');
  const parts = path.split('/');
  const found = routes.filter((route) => {
    const pattern = route.url.split('/');
    return (
      pattern.length === parts.length &&
      pattern.every((part, index) => part === parts[index] || (part.startsWith(':') && parts[index] !== ''))
    );
  });
  return [...new Set(found.flatMap((route) => route.method))];
}
