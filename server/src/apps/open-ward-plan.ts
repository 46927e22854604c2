import type { FastifyInstance } from 'fastify';
import { PostgresWardPlan } from '../adapters/postgres/ward-plan.ts';
import { registerWardPlan, type WardPlanServices } from '../serve/api/ward-plan.ts';
import { acceptEmptyBodies } from '../serve/json-body.ts';
import type { OpenedTenants } from './open-tenants.ts';

/** Wards and beds, managed over HTTP, each organisation its own. */
export function openWardPlan(
  tenants: Pick<OpenedTenants, 'asking'>,
  services: Omit<WardPlanServices, 'plan'>,
): (app: FastifyInstance) => void {
  const plan = new PostgresWardPlan(tenants.asking);
  return (app) => {
    acceptEmptyBodies(app);
    registerWardPlan(app, { ...services, plan });
  };
}
