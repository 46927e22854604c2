import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startThread } from './start-thread.ts';

it('a thread has its data, and finds what was compiled beside the packages, where only who installs may write', async () => {
  const thread = startThread(new URL('./test-thread.ts', import.meta.url), { bed: 'W3-06' });
  const [said] = await once(thread, 'message');
  expect(said.data).toEqual({ bed: 'W3-06' });
  expect(said.compiled).toContain(join(import.meta.dirname, '../../../node_modules/.cache/healthsync'));
  await once(thread, 'exit');
});
