import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { startVendor } from './test-vendor.ts';

/**
 * The addresses that come with a press of a button: a message there replaces the original or is shown to one person
 * (docs.slack.dev/interactivity/handling-user-interaction#message_responses). Each takes five messages.
 */
const closed = { additionalProperties: false } as const;
const Plain = Type.Object(
  {
    type: Type.Literal('plain_text'),
    text: Type.String({ minLength: 1, maxLength: 3_000 }),
    emoji: Type.Optional(Type.Boolean()),
  },
  closed,
);
const Response = Compile(
  Type.Object(
    {
      text: Type.String({ minLength: 1, maxLength: 40_000 }),
      response_type: Type.Optional(Type.Enum(['ephemeral', 'in_channel'])),
      replace_original: Type.Optional(Type.Boolean()),
      delete_original: Type.Optional(Type.Boolean()),
      blocks: Type.Optional(
        Type.Array(
          Type.Union([
            Type.Object({ type: Type.Enum(['header', 'section']), text: Plain }, closed),
            Type.Object({ type: Type.Literal('context'), elements: Type.Array(Plain, { maxItems: 10 }) }, closed),
          ]),
          { maxItems: 50 },
        ),
      ),
    },
    closed,
  ),
);

export async function startSlackHooks() {
  const responses: unknown[] = [];
  const vendor = await startVendor({
    answer({ method, path, headers, body }) {
      if (method !== 'POST' || headers['content-type'] !== 'application/json') return { status: 400 };
      if (!/^\/actions\/T\w+\/\d+\/\w+$/.test(path)) return { status: 404, body: 'no_such_hook' };
      if (responses.length >= 5) return { status: 404, body: 'used_url' };
      const response: unknown = JSON.parse(body.toString());
      if (!Response.Check(response)) return { status: 400, body: 'invalid_payload' };
      responses.push(response);
      return { status: 200, body: 'ok' };
    },
  });
  return { ...vendor, responseUrl: `${vendor.url.origin}/actions/T01/123/abc`, responses };
}
