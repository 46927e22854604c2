import type { FastifyInstance } from 'fastify';
import type { TenantId } from '../domain/ids.ts';

/** Runs the work, and all that it leads to, as what is asked for this organisation. */
export type InTenant = (tenantId: TenantId, work: () => void) => void;

/**
 * Whatever a handler asks of the registry's view or the database, it asks for its caller's organisation; without a caller
 * for none. Registered after the gate, which knows who asks.
 */
export function registerAskingTenant(app: FastifyInstance, { inTenant }: { readonly inTenant?: InTenant }): void {
  if (inTenant === undefined) return;
  // By the callback: what an async hook enters ends with it. After the body was read: its events come from the socket's
  // context and not from the request's.
  app.addHook('preHandler', (request, _reply, done) => {
    const { principal } = request;
    if (principal === undefined) done();
    else inTenant(principal.tenantId, done);
  });
}
