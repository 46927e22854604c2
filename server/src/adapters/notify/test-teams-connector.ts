import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';

/**
 * Entra ID's token endpoint and the Bot Connector of Teams, as documented and closed to anything else:
 * learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication and …-api-reference,
 * learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages, and for the card
 * adaptivecards.io/explorer (what is refused there shows as an empty message in Teams).
 */
export interface Bot {
  readonly appId: string;
  readonly appSecret: string;
  readonly tenantId: string;
}

const closed = { additionalProperties: false } as const;
const TextRun = Type.Object(
  {
    type: Type.Literal('TextRun'),
    text: Type.String({ minLength: 1 }),
    size: Type.Optional(Type.Enum(['Default', 'Small', 'Medium', 'Large', 'ExtraLarge'])),
    weight: Type.Optional(Type.Enum(['Default', 'Lighter', 'Bolder'])),
    color: Type.Optional(Type.Enum(['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'])),
  },
  closed,
);
const CardAction = Type.Union([
  Type.Object(
    {
      type: Type.Literal('Action.Execute'),
      title: Type.String(),
      verb: Type.String(),
      data: Type.Object({}, { additionalProperties: true }),
      style: Type.Optional(Type.Enum(['default', 'positive', 'destructive'])),
    },
    closed,
  ),
  Type.Object(
    { type: Type.Literal('Action.OpenUrl'), title: Type.String(), url: Type.String({ pattern: '^https://' }) },
    closed,
  ),
]);
export const Card = Type.Object(
  {
    type: Type.Literal('AdaptiveCard'),
    $schema: Type.Literal('http://adaptivecards.io/schemas/adaptive-card.json'),
    version: Type.Enum(['1.4', '1.5']),
    body: Type.Array(
      Type.Object(
        { type: Type.Literal('RichTextBlock'), id: Type.Optional(Type.String()), inlines: Type.Array(TextRun) },
        closed,
      ),
      { minItems: 1 },
    ),
    actions: Type.Optional(Type.Array(CardAction, { minItems: 1, maxItems: 6 })),
  },
  closed,
);
export type Card = Static<typeof Card>;
const Activity = Type.Object(
  {
    type: Type.Literal('message'),
    id: Type.Optional(Type.String()),
    summary: Type.Optional(Type.String()),
    importance: Type.Optional(Type.Enum(['low', 'normal', 'high', 'urgent'])),
    attachments: Type.Array(
      Type.Object({ contentType: Type.Literal('application/vnd.microsoft.card.adaptive'), content: Card }, closed),
      { minItems: 1, maxItems: 10 },
    ),
    channelData: Type.Optional(Type.Object({ notification: Type.Object({ alert: Type.Boolean() }, closed) }, closed)),
  },
  closed,
);
const NewConversation = Type.Union([
  Type.Object(
    {
      bot: Type.Object({ id: Type.String({ pattern: '^28:' }) }, closed),
      members: Type.Array(Type.Object({ id: Type.String() }, closed), { minItems: 1, maxItems: 1 }),
      isGroup: Type.Literal(false),
      tenantId: Type.String(),
      channelData: Type.Object({ tenant: Type.Object({ id: Type.String() }, closed) }, closed),
    },
    closed,
  ),
  Type.Object(
    {
      isGroup: Type.Literal(true),
      channelData: Type.Object({ channel: Type.Object({ id: Type.String() }, closed) }, closed),
      activity: Activity,
    },
    closed,
  ),
]);

export interface Posted {
  readonly conversation: string;
  readonly activity: Static<typeof Activity>;
  readonly id: string;
}

export async function startTeamsConnector(bot: Bot) {
  const posted: Posted[] = [];
  const state = { tokens: 0, valid: '', expiresIn: 3_600, error: undefined as VendorAnswer | undefined };
  const vendor = await startVendor({
    answer,
    // What ails the connector does not ail Entra ID.
    concerns: ({ path }) => path.startsWith('/teams/'),
    unwell: { refuse: failed(403, 'BotNotInConversationRoster') },
  });

  function answer(request: VendorRequest): VendorAnswer {
    if (request.path === `/login/${bot.tenantId}/oauth2/v2.0/token`) return token(request);
    if (request.headers.authorization !== `Bearer ${state.valid}` || state.valid === '')
      return failed(401, 'Unauthorized');
    if (state.error !== undefined) return state.error;
    if (request.body.byteLength > 28 * 1024) return failed(413, 'MessageSizeTooBig');
    const [, conversation, id] = /^\/teams\/v3\/conversations(?:\/([^/]+)\/activities(?:\/([^/]+))?)?$/.exec(
      request.path,
    ) ?? [undefined, ''];
    if (conversation === undefined)
      return checked(NewConversation, request, (body) => {
        if ('members' in body) return { status: 201, body: { id: `a:${body.members[0]?.id}` } };
        const thread = `${body.channelData.channel.id};messageid=17${posted.length}`;
        return { status: 201, body: { id: thread, activityId: add(thread, body.activity) } };
      });
    const place = decodeURIComponent(conversation);
    if (!/^(a:|19:)/.test(place)) return failed(404, 'ConversationNotFound');
    return checked(Activity, request, (activity) => {
      if (request.method === 'POST' && id === undefined) return { status: 201, body: { id: add(place, activity) } };
      const index = posted.findIndex((one) => one.id === decodeURIComponent(id ?? '') && one.conversation === place);
      if (request.method !== 'PUT' || index < 0) return failed(404, 'ActivityNotFound');
      posted[index] = { conversation: place, activity, id: posted[index]?.id ?? '' };
      return { status: 200, body: { id: posted[index].id } };
    });
  }

  function add(conversation: string, activity: Posted['activity']): string {
    const id = `17${posted.length}`;
    posted.push({ conversation, activity, id });
    return id;
  }

  function token({ method, headers, body }: VendorRequest): VendorAnswer {
    const form = new URLSearchParams(body.toString());
    const isAsked =
      method === 'POST' &&
      headers['content-type'] === 'application/x-www-form-urlencoded' &&
      [...form.keys()].sort().join() === 'client_id,client_secret,grant_type,scope' &&
      form.get('grant_type') === 'client_credentials' &&
      form.get('scope') === 'https://api.botframework.com/.default';
    if (!isAsked) return { status: 400, body: { error: 'invalid_request' } };
    if (form.get('client_id') !== bot.appId || form.get('client_secret') !== bot.appSecret)
      return { status: 401, body: { error: 'invalid_client', error_description: `no ${bot.appId}` } };
    state.tokens++;
    state.valid = `bot-token-${state.tokens}`;
    return { status: 200, body: { token_type: 'Bearer', expires_in: state.expiresIn, access_token: state.valid } };
  }

  return {
    ...vendor,
    serviceUrl: new URL('/teams/', vendor.url),
    loginUrl: new URL('/login/', vendor.url),
    posted: posted as readonly Posted[],
    state,
  };
}

function checked<T extends TSchema>(
  schema: T,
  { headers, body }: VendorRequest,
  then: (body: Static<T>) => VendorAnswer,
): VendorAnswer {
  if (headers['content-type'] !== 'application/json') return failed(415, 'UnsupportedMediaType');
  const value: unknown = JSON.parse(body.toString());
  return Compile(schema).Check(value) ? then(value as Static<T>) : failed(400, 'BadSyntax');
}

export function failed(status: number, code: string): VendorAnswer {
  return { status, body: { error: { code, message: 'words that name the recipient' } } };
}
