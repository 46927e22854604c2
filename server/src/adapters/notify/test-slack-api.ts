import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';

/**
 * Slack's Web API as its documentation has it, and stricter: an argument that is not documented is refused where Slack
 * would warn. Arguments: docs.slack.dev/reference/methods/chat.postMessage, chat.update, conversations.history; blocks:
 * docs.slack.dev/reference/block-kit/blocks; limits of text: docs.slack.dev/changelog/2018-04-truncating-really-long-messages.
 */
const closed = { additionalProperties: false } as const;
const PlainText = (maxLength: number) =>
  Type.Object(
    {
      type: Type.Literal('plain_text'),
      text: Type.String({ minLength: 1, maxLength }),
      emoji: Type.Optional(Type.Boolean()),
    },
    closed,
  );
const Button = Type.Object(
  {
    type: Type.Literal('button'),
    text: PlainText(75),
    action_id: Type.String({ maxLength: 255 }),
    url: Type.Optional(Type.String({ maxLength: 3_000, pattern: '^https?://' })),
    value: Type.Optional(Type.String({ maxLength: 2_000 })),
    style: Type.Optional(Type.Enum(['primary', 'danger'])),
  },
  closed,
);
const Block = Type.Union([
  Type.Object({ type: Type.Literal('header'), text: PlainText(150) }, closed),
  Type.Object({ type: Type.Literal('section'), text: PlainText(3_000) }, closed),
  Type.Object({ type: Type.Literal('actions'), elements: Type.Array(Button, { minItems: 1, maxItems: 25 }) }, closed),
]);
const message = {
  channel: Type.String({ minLength: 1 }),
  text: Type.String({ maxLength: 40_000 }),
  blocks: Type.Array(Block, { maxItems: 50 }),
  metadata: Type.Optional(
    Type.Object(
      {
        event_type: Type.String({ minLength: 1, pattern: '^[a-z0-9_]+$' }),
        event_payload: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
      },
      closed,
    ),
  ),
  link_names: Type.Optional(Type.Boolean()),
  parse: Type.Optional(Type.Enum(['none', 'full'])),
};
const shown = {
  mrkdwn: Type.Optional(Type.Boolean()),
  unfurl_links: Type.Optional(Type.Boolean()),
  unfurl_media: Type.Optional(Type.Boolean()),
};
const PostMessage = Type.Object({ ...message, ...shown }, closed);
const Update = Type.Object({ ...message, ts: Type.String({ pattern: '^\\d+\\.\\d+$' }) }, closed);
const History = Type.Object(
  {
    channel: Type.String({ minLength: 1 }),
    oldest: Type.Optional(Type.String({ pattern: '^\\d+(\\.\\d+)?$' })),
    limit: Type.Optional(Type.String({ pattern: '^\\d{1,3}$' })),
    include_all_metadata: Type.Optional(Type.Enum(['true', 'false'])),
  },
  closed,
);

export type PostedMessage = Static<typeof PostMessage> & { readonly ts: string };

export async function startSlackApi(botToken: string) {
  /** As they are now: a changed one as it was changed. */
  const messages: PostedMessage[] = [];
  const state = {
    error: undefined as string | undefined,
    mayRead: true,
    /** What `conversations.history` lists instead of the messages. */
    history: undefined as unknown,
    /** Said instead of what is right. */
    odd: undefined as VendorAnswer | undefined,
  };
  const vendor = await startVendor({
    answer,
    // Slack says 429 as HTTP; everything else it refuses with 200 (docs.slack.dev/apis/web-api/rate-limits).
    unwell: { refuse: { status: 200, body: { ok: false, error: 'channel_not_found' } } },
  });

  function answer(request: VendorRequest): VendorAnswer {
    if (request.method !== 'POST') return said('invalid_post_type');
    if (request.headers.authorization !== `Bearer ${botToken}`) return said('invalid_auth');
    if (state.odd !== undefined) return state.odd;
    if (state.error !== undefined) return said(state.error);
    switch (request.path) {
      case '/api/chat.postMessage':
        return checked(PostMessage, jsonBody(request), (body) => {
          if (!/^[CDGU][A-Z0-9]{2,}$/.test(body.channel)) return said('channel_not_found');
          const ts = `${1_764_000_000 + messages.length}.000100`;
          // A message to a person lands in the conversation with that person.
          const channel = body.channel.replace(/^U/, 'D');
          messages.push({ ...body, channel, ts });
          return done({ channel, ts });
        });
      case '/api/chat.update':
        return checked(Update, jsonBody(request), ({ ts, ...body }) => {
          const index = messages.findIndex((one) => one.ts === ts);
          if (index < 0) return said('message_not_found');
          messages[index] = { ...body, ts };
          return done({ channel: body.channel, ts });
        });
      case '/api/conversations.history':
        return checked(History, Object.fromEntries(new URLSearchParams(request.body.toString())), ({ channel }) => {
          if (!state.mayRead) return said('missing_scope');
          if (!/^[CDG]/.test(channel)) return said('channel_not_found');
          const listed = messages.filter((one) => one.channel === channel).toReversed();
          return done({ messages: state.history ?? listed, has_more: false });
        });
      default:
        return said('unknown_method');
    }
  }

  return {
    ...vendor,
    apiUrl: new URL('/api/', vendor.url),
    messages: messages as readonly PostedMessage[],
    state,
    methods: () => vendor.requests.map(({ path }) => path.replace('/api/', '')),
  };
}

function checked<T extends TSchema>(schema: T, body: unknown, then: (body: Static<T>) => VendorAnswer): VendorAnswer {
  const check = Compile(schema);
  if (body === undefined) return said('invalid_json');
  return check.Check(body) ? then(body as Static<T>) : said('invalid_arguments');
}

function jsonBody({ headers, body }: VendorRequest): unknown {
  if (headers['content-type'] !== 'application/json; charset=utf-8') return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

const said = (error: string): VendorAnswer => ({ status: 200, body: { ok: false, error } });
const done = (rest: object): VendorAnswer => ({ status: 200, body: { ok: true, ...rest } });
