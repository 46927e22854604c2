import { ProblemDetails } from '@healthsync/contracts/problem';
import type { RouteOptions } from 'fastify';

declare module 'fastify' {
  interface FastifySchema {
    /** A route without one is not part of the described API. */
    summary?: string;
    tags?: readonly string[];
  }
}

/**
 * The API's description, made from the schemas the server itself checks with: it cannot promise what is not so.
 * OpenAPI 3.1, whose schemas are JSON Schema 2020-12, as TypeBox's are.
 */
export function describeApi(routes: readonly RouteOptions[], version: string): OpenApi {
  const components: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (route.schema?.summary === undefined) continue;
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    for (const method of [route.method].flat().filter((one) => one !== 'HEAD')) {
      paths[path] ??= {};
      paths[path][method.toLowerCase()] = operation(route, method, components);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'HealthSync', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Made with `healthsync token create`.' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-healthsync' },
        deviceCertificate: { type: 'mutualTLS' },
        deviceToken: { type: 'http', scheme: 'bearer', description: 'Made with `healthsync device token`.' },
      },
    },
  };
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: object;
  readonly servers: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>>; readonly securitySchemes: object };
}

function operation(route: RouteOptions, method: string, components: Record<string, unknown>): object {
  const schema = (route.schema ?? {}) as Record<string, unknown> & { response?: Record<string, unknown> };
  const config = route.config ?? {};
  return {
    operationId: operationId(method, route.url),
    summary: schema['summary'],
    tags: schema['tags'],
    ...(config.action !== undefined && { 'x-healthsync-action': config.action }),
    security: security(config),
    parameters: [
      ...parameters(schema['params'], 'path', components),
      ...parameters(schema['querystring'], 'query', components),
    ],
    ...(schema['body'] !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: named(schema['body'], components) } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(schema.response ?? { 200: undefined }).map(([status, body]) => [
          status,
          {
            description: Number(status) < 300 ? 'As asked' : 'Not now',
            ...(body !== undefined && { content: { 'application/json': { schema: named(body, components) } } }),
          },
        ]),
      ),
      default: {
        description: 'A problem (RFC 9457) with a stable code',
        content: { 'application/problem+json': { schema: named(ProblemDetails, components) } },
      },
    },
  };
}

function security(config: NonNullable<RouteOptions['config']>): readonly object[] {
  if (config.public === true) return [];
  if (config.device === true) return [{ deviceCertificate: [] }, { deviceToken: [] }];
  return [{ token: [] }, { session: [] }];
}

function parameters(schema: unknown, place: 'path' | 'query', components: Record<string, unknown>): readonly object[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, { description?: string }>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(one.description !== undefined && { description: one.description }),
    schema: named(one, components),
  }));
}

/** Schemas with an id become components, once; everything else stays where it is used. */
function named(schema: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => named(one, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id, ...rest } = schema as Record<string, unknown>;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, named(value, components)]));
  if (typeof $id !== 'string') return inner;
  components[$id] = inner;
  return { $ref: `#/components/schemas/${$id}` };
}

function operationId(method: string, url: string): string {
  const words = url.split('/').filter((part) => part !== '' && part !== 'api');
  const name = words.map((word) => {
    const plain = word
      .replace(/^:/, 'by-')
      .replaceAll(/[^A-Za-z0-9]+(\w)/g, (_match, next: string) => next.toUpperCase());
    return plain.charAt(0).toUpperCase() + plain.slice(1);
  });
  return method.toLowerCase() + name.join('');
}
