import type { FastifyInstance } from 'fastify';
import { acceptEmptyBodies } from '../json-body.ts';
import type { TellingServices } from '../telling-services.ts';
import { registerChannels } from './channels.ts';
import { registerContacts } from './contacts.ts';
import { registerSystemAlarms } from './system-alarms.ts';
import { registerTopics } from './topics.ts';

/** Everything about who is told, how, and whether it works. */
export function registerTelling(app: FastifyInstance, services: TellingServices): void {
  acceptEmptyBodies(app);
  registerContacts(app, services);
  registerTopics(app, services);
  registerChannels(app, services);
  registerSystemAlarms(app, services);
}
