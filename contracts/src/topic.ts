import { type Static, Type } from 'typebox';
import { FromVersion, Version } from './problem.ts';

/**
 * What people and endpoints subscribe to: `<class>.<priority>.<ward>` or `….@<department>`, where whatever is left out or `*` means any.
 * `alarms` is every physiological alarm, `alarms.high` the high ones, `alarms.*.W3` all of ward W3, `alarms.high.W3` both;
 * `technical…` likewise for technical alarms of patients, and `system`, `system.high` for those of the installation.
 */
export const Topic = Type.String({
  pattern: '^(alarms|technical|system)(\\.(high|medium|low|\\*)(\\.(\\*|@?[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}))?)?$',
  description: '`alarms.high.W3`; `alarms.high.@cardiology`: of all wards of a department',
});

const MinPriority = Type.Enum(['high', 'medium', 'low']);
const Events = Type.Array(
  Type.Enum(['raised', 'worsened', 'returned', 'ended', 'acknowledged', 'resolved', 'escalated', 'reminder']),
  {
    maxItems: 8,
    uniqueItems: true,
    description: 'Which happenings; without it: raised, and returned after ten minutes.',
  },
);

export const TopicSubscription = Type.Object(
  {
    id: Type.String(),
    topic: Topic,
    subscriber: Type.Union([
      Type.Object({ kind: Type.Literal('user'), userId: Type.String(), name: Type.Optional(Type.String()) }),
      Type.Object({ kind: Type.Literal('endpoint'), channel: Type.String(), recipient: Type.String() }),
    ]),
    minPriority: Type.Optional(MinPriority),
    events: Type.Optional(Events),
    /** `settings`: from the configuration, to be changed there. */
    source: Type.Enum(['settings', 'app']),
    createdBy: Type.Optional(Type.String()),
    createdAt: Type.Optional(Type.String()),
  },
  { $id: 'TopicSubscription' },
);
export type TopicSubscription = Static<typeof TopicSubscription>;

/** `GET /api/topics` (operators): all; `GET /api/me/topics`: one's own. */
export const TopicSubscriptionList = Type.Object(
  { subscriptions: Type.Array(TopicSubscription), version: Type.Optional(Version) },
  { $id: 'TopicSubscriptionList', description: '`version`: of one’s own.' },
);
export type TopicSubscriptionList = Static<typeof TopicSubscriptionList>;

const Wanted = { topic: Topic, minPriority: Type.Optional(MinPriority), events: Type.Optional(Events) };

/** `PUT /api/me/topics`: these and no others. A ward must be one's own. */
export const PutMyTopics = Type.Object(
  {
    subscriptions: Type.Array(Type.Object(Wanted, { additionalProperties: false }), { maxItems: 50 }),
    version: FromVersion,
  },
  { $id: 'PutMyTopics', additionalProperties: false },
);
export type PutMyTopics = Static<typeof PutMyTopics>;

/** `POST /api/topics/subscriptions` (operators); ended by `DELETE /api/topics/subscriptions/{id}`. */
export const PostTopicSubscription = Type.Object(
  {
    ...Wanted,
    subscriber: Type.Union([
      Type.Object(
        { kind: Type.Literal('user'), userId: Type.String({ maxLength: 64 }) },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          kind: Type.Literal('endpoint'),
          channel: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
          recipient: Type.String({ minLength: 1, maxLength: 254, pattern: '^[^\\s\\x00-\\x1f]+$' }),
        },
        { additionalProperties: false },
      ),
    ]),
  },
  { $id: 'PostTopicSubscription', additionalProperties: false },
);
export type PostTopicSubscription = Static<typeof PostTopicSubscription>;
