import { describe, expect, it } from 'vitest';
import { guardMarkup } from './trusted-types.ts';

describe('what may become markup or code', () => {
  type Rules = { createHTML(text: string): unknown; createScriptURL(text: string): unknown };
  const made: [name: string, rules: Rules][] = [];
  guardMarkup({ trustedTypes: { createPolicy: (name, rules) => made.push([name, rules as Rules]) } });
  const [name, rules] = made[0] ?? expect.fail('no policy');

  it('is decided by the policy that the page’s header lets be made', () => expect(name).toBe('default'));
  it.each(['<img src=x onerror=alert(1)>', 'a<b', '</style><script>alert(1)</script>', '<!--'])('is not %s', (text) =>
    expect(rules.createHTML(text)).toBeUndefined(),
  );
  it('is a style sheet', () => {
    const sheet = '@media (min-width: 62em) { .a > .b { color: red } }';
    expect(rules.createHTML(sheet)).toBe(sheet);
  });
  it('is the push worker, and no other script', () => {
    expect(rules.createScriptURL('/push-worker.js')).toBe('/push-worker.js');
    for (const url of ['https://evil.example/x.js', '/push-worker.js?x', 'data:text/javascript,1', 'blob:x'])
      expect(rules.createScriptURL(url)).toBeUndefined();
  });
  it('is left to the header in browsers without Trusted Types', () => expect(guardMarkup({})).toBeUndefined());
});
