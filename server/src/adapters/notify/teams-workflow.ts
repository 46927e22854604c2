import type { Notifier } from '../../ports/notifier.ts';
import { callHttps, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { teamsCard } from './teams-card.ts';

export interface TeamsWorkflowSettings {
  /** The configured name, e.g. `teams-ward-3`. */
  readonly channel: string;
  /** Recipient → address of the workflow, which carries its own secret (`sig=`). */
  readonly workflows: ReadonlyMap<string, URL>;
  /** PEM of a private authority, where a proxy opens TLS; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

/**
 * Posts to a Teams channel by a workflow made from the template "Post to a channel when a webhook request is received",
 * where no bot is wanted. It can be told, but nothing comes back and nothing it posted can be changed: the card has a
 * button that opens the wall, where a person signs in and acknowledges. Power Automate says 202 before it posts, so
 * `delivered` means taken, and a workflow's own failure is seen in its run history only.
 */
export function createTeamsWorkflowNotifier(settings: TeamsWorkflowSettings): Notifier {
  const { channel, workflows, ca, now } = settings;
  return {
    channel,
    type: 'teams',
    async send(message, { idempotencyKey, signal }) {
      const url = workflows.get(message.recipient);
      if (url === undefined) return { kind: 'permanent', reason: 'no such workflow' };
      const content = teamsCard(message, idempotencyKey, []);
      const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
      try {
        const answer = await callHttps({
          url,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ type: 'message', attachments: [attachment] }),
          signal,
          ...(ca === undefined ? {} : { ca }),
        });
        const outcome = outcomeOfStatus(answer, now());
        // No receipt: what was posted cannot be found again, let alone changed.
        return outcome.kind === 'delivered' ? { kind: 'delivered' } : outcome;
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  };
}
