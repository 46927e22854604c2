import { callHttps } from './https-call.ts';

/** Where Slack's response addresses lead. Nothing else is called, whatever a request says. */
const ORIGINS = ['https://hooks.slack.com', 'https://hooks.slack-gov.com'] as const;

/**
 * Answers in the conversation in which somebody pressed a button (docs.slack.dev/interactivity/handling-user-interaction
 * #message_responses). `refused`: not one of Slack's addresses; `failed`: Slack did not take it.
 */
export async function sendSlackResponse(
  url: string,
  body: object,
  options: { readonly signal: AbortSignal; readonly ca?: string; readonly origins?: readonly string[] },
): Promise<'sent' | 'refused' | 'failed'> {
  const { signal, ca, origins = ORIGINS } = options;
  const target = URL.parse(url);
  if (target === null || !origins.includes(target.origin) || target.username !== '') return 'refused';
  try {
    const { status } = await callHttps({
      url: target,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
      ...(ca === undefined ? {} : { ca }),
    });
    return status === 200 ? 'sent' : 'failed';
  } catch {
    return 'failed';
  }
}
