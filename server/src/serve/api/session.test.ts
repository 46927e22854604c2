import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_ROLES } from '../../domain/access.ts';
import type { UserId } from '../../domain/ids.ts';
import type { User } from '../../ports/accounts.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const personOf = async (role: (typeof ACCOUNT_ROLES)[number]): Promise<User> => {
  const user = { id: `u-${role}` as UserId, name: role, displayName: role, roles: [role], wardIds: [] };
  await server.accounts.putUser(user);
  return user;
};

describe('signing out', () => {
  it.each(ACCOUNT_ROLES)('is open to whoever is signed in: %s', async (role) => {
    const { secret: token } = await server.sessions.open(await personOf(role));
    expect((await server.call('/api/session', { token })).status).toBe(role === 'integration' ? 403 : 200);
    expect((await server.call('/api/session', { method: 'DELETE', token })).status).toBe(204);
    expect((await server.call('/api/session', { token })).status).toBe(401);
  });

  it('is nothing for a key: its owner ends it', async () => {
    const { secret: token } = await server.sessions.createApiToken(await personOf('nurse'), 3_600_000);
    expect((await server.call('/api/session', { method: 'DELETE', token })).status).toBe(403);
    expect((await server.call('/api/session', { token })).status).toBe(200);
  });
});
