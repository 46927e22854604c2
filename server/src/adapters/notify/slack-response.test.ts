import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendSlackResponse } from './slack-response.ts';
import { startSlackHooks } from './test-slack-hooks.ts';

describe('an answer in a Slack conversation', () => {
  let hooks: Awaited<ReturnType<typeof startSlackHooks>>;
  beforeEach(async () => {
    hooks = await startSlackHooks();
  });
  afterEach(() => hooks.close());
  const send = (url: string, body: object = { text: 'done', replace_original: true }) =>
    sendSlackResponse(url, body, {
      signal: AbortSignal.timeout(10_000),
      ca: hooks.ca,
      origins: [hooks.url.origin],
    });

  it('replaces the message', async () => {
    expect(await send(hooks.responseUrl)).toBe('sent');
    expect(hooks.responses).toEqual([{ text: 'done', replace_original: true }]);
  });
  it('what Slack does not take is said to have failed', async () => {
    expect(await send(hooks.responseUrl, { nonsense: true })).toBe('failed');
    expect(await send(`${hooks.url.origin}/elsewhere`)).toBe('failed');
    await hooks.close();
    expect(await send(hooks.responseUrl)).toBe('failed');
  });
  it.each([
    'https://example.org/actions/T01/1/a',
    'http://hooks.slack.com/actions/T01/1/a',
    'https://hooks.slack.com.example.org/a',
    'https://hooks.slack.com@example.org/a',
    'https://user:password@hooks.slack.com/a',
    'https://hooks.slack.com:8443/a',
    'https://169.254.169.254/latest',
    'file:///etc/passwd',
    'not an address',
  ])('goes nowhere but to Slack: %s', async (url) => {
    const outcome = await sendSlackResponse(url, { text: 'x' }, { signal: AbortSignal.timeout(10_000) });
    expect(outcome).toBe('refused');
  });
});
