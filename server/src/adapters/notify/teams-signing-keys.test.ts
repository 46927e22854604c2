import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKeys } from './teams-signing-keys.ts';
import { startBotFramework } from './test-bot-framework.ts';

describe('the signing keys of the Bot Framework', () => {
  let framework: Awaited<ReturnType<typeof startBotFramework>>;
  const clock = { ms: 0 };
  beforeEach(async () => {
    framework = await startBotFramework();
    clock.ms = Date.now();
  });
  afterEach(() => framework.close());
  const open = () => createSigningKeys({ metadataUrl: framework.metadataUrl, ca: framework.ca, now: () => clock.ms });
  const asked = () => framework.requests.filter(({ path }) => path.endsWith('/keys')).length;

  it('are read once and kept for a day', async () => {
    framework.signer('k1');
    const keyOf = open();
    const found = await Promise.all([keyOf('k1'), keyOf('k1')]);
    expect(found[0]).toMatchObject({ endorsements: ['msteams', 'webchat'] });
    clock.ms += 23 * 3_600_000;
    await keyOf('k1');
    expect(asked()).toBe(1);
    clock.ms += 2 * 3_600_000;
    await keyOf('k1');
    expect(asked()).toBe(2);
  });
  it('a new key is found without waiting for the day to end, but made-up ones do not make us ask for each', async () => {
    framework.signer('k1');
    const keyOf = open();
    await keyOf('k1');
    framework.signer('k2');
    for (let i = 0; i < 20; i++) expect(await keyOf(`made-up-${i}`)).toBeUndefined();
    expect(asked()).toBe(1);
    clock.ms += 301_000;
    expect(await keyOf('k2')).toBeDefined();
    expect(asked()).toBe(2);
  });
  it('those of yesterday serve where today’s cannot be had; without any it is said', async () => {
    framework.signer('k1');
    const keyOf = open();
    framework.behave('busy');
    await expect(keyOf('k1')).rejects.toThrow();
    framework.behave('accept');
    expect(await keyOf('k1')).toBeDefined();
    framework.behave('busy');
    clock.ms += 48 * 3_600_000;
    expect(await keyOf('k1')).toBeDefined();
  });
  it('are not taken from elsewhere, whatever the document says', async () => {
    framework.signer('k1');
    framework.state.jwksUri = 'https://example.org/keys';
    await expect(open()('k1')).rejects.toThrow('elsewhere');
  });
  it('are not taken from a server whose certificate is not trusted', async () => {
    framework.signer('k1');
    const keyOf = createSigningKeys({ metadataUrl: framework.metadataUrl, now: () => clock.ms });
    await expect(keyOf('k1')).rejects.toThrow();
    expect(framework.requests).toEqual([]);
  });
});
