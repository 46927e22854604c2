import type { FastifyInstance } from 'fastify';
import type { AlarmAnswers } from '../ports/alarm-answers.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Log } from '../telemetry/log.ts';

/** What one vendor's settings open. */
export interface OpenedChannels {
  readonly notifiers: readonly Notifier[];
  /** Recipients of the house, by the names that subscriptions use. */
  readonly endpoints: readonly { readonly channel: string; readonly recipient: string }[];
  /** Where the vendor brings answers and receipts: routes for the HTTP server. */
  readonly hooks: readonly ((parts: {
    readonly answers: AlarmAnswers;
    readonly log: Log;
  }) => (app: FastifyInstance) => void)[];
}
