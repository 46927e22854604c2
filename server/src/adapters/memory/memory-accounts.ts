import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { Accounts, StoredToken, User } from '../../ports/accounts.ts';
import { Failure } from '../../ports/failure.ts';

/** Accounts that last as long as the process: for tests. */
export function createMemoryAccounts(): Accounts {
  const users = new Map<string, User & { readonly passwordHash?: string }>();
  const tokens = new Map<string, StoredToken & { revokedAtMs?: number }>();
  const endTold = new Map<string, number>();
  const setups = new Map<string, { readonly expiresAtMs: number }>();

  const canAnybodySignIn = () => [...users.values()].some(({ passwordHash }) => passwordHash !== undefined);

  return {
    async putUser(user) {
      const before = users.get(user.name);
      if (before !== undefined && before.id !== user.id)
        throw new Failure('database-rejected', 'that name is taken', { retryable: false });
      const kept = before?.passwordHash === undefined ? {} : { passwordHash: before.passwordHash };
      users.set(user.name, { ...kept, ...user });
    },
    async putPassword(userId, passwordHash) {
      const user = [...users.values()].find(({ id }) => id === userId);
      if (user === undefined || user.disabledAtMs !== undefined) return false;
      users.set(user.name, { ...user, passwordHash });
      return true;
    },
    async findUser(name) {
      return users.get(name);
    },
    async findUserById(id) {
      const found = [...users.values()].find((user) => user.id === id);
      if (found === undefined) return undefined;
      const { passwordHash: _, ...user } = found;
      return user;
    },
    async users() {
      const shown = [...users.values()].map(({ passwordHash: _, ...user }): User => user);
      return shown.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async disable(name, atMs) {
      const user = users.get(name);
      if (user === undefined || user.disabledAtMs !== undefined) return false;
      users.set(name, { ...user, disabledAtMs: atMs });
      return true;
    },
    async addToken(token) {
      tokens.set(token.sha256, token);
    },
    async findToken(sha256, nowMs) {
      const token = tokens.get(sha256);
      if (token === undefined || token.revokedAtMs !== undefined) return undefined;
      if (nowMs >= token.expiresAtMs || nowMs >= token.idleExpiresAtMs) return undefined;
      const user = [...users.values()].find(({ id }) => id === token.userId);
      if (user === undefined || user.disabledAtMs !== undefined) return undefined;
      const { passwordHash: _, ...shown } = user;
      return { token, user: shown };
    },
    async touchToken(sha256, { idleExpiresAtMs, usedAtMs }) {
      const token = tokens.get(sha256);
      if (token === undefined) return;
      const later = Math.max(token.idleExpiresAtMs, idleExpiresAtMs);
      tokens.set(sha256, { ...token, idleExpiresAtMs: later, lastUsedAtMs: usedAtMs });
    },
    async revokeToken(sha256, atMs) {
      const token = tokens.get(sha256);
      if (token !== undefined) tokens.set(sha256, { ...token, revokedAtMs: atMs });
    },
    async putProof(sha256, proof) {
      const token = tokens.get(sha256);
      if (token !== undefined) tokens.set(sha256, { ...token, ...proof });
    },
    async tokensOf(userId, nowMs) {
      return [...tokens.values()]
        .filter((token) => token.userId === userId && token.revokedAtMs === undefined)
        .filter((token) => nowMs < token.expiresAtMs && nowMs < token.idleExpiresAtMs)
        .sort((a, b) => b.createdAtMs - a.createdAtMs);
    },
    async apiKeys({ tenantId, nowMs }) {
      return [...tokens.values()]
        .filter((token) => token.kind === 'api' && token.revokedAtMs === undefined && nowMs < token.expiresAtMs)
        .sort((a, b) => b.createdAtMs - a.createdAtMs)
        .flatMap((token) => {
          const owner = [...users.values()].find(({ id }) => id === token.userId);
          if (owner === undefined || (owner.tenantId ?? DEFAULT_TENANT) !== tenantId) return [];
          const { passwordHash: _, ...shown } = owner;
          return [{ token, owner: shown }];
        });
    },
    async keysEnding({ days, nowMs }) {
      const leftMs = days * 86_400_000;
      return [...tokens.values()]
        .filter((token) => token.kind === 'api' && token.revokedAtMs === undefined && nowMs < token.expiresAtMs)
        .filter(
          ({ createdAtMs, expiresAtMs }) => expiresAtMs <= nowMs + leftMs && expiresAtMs - createdAtMs >= 2 * leftMs,
        )
        .filter(({ sha256 }) => (endTold.get(sha256) ?? Number.POSITIVE_INFINITY) > days)
        .filter(({ userId }) =>
          [...users.values()].some(({ id, disabledAtMs }) => id === userId && disabledAtMs === undefined),
        )
        .sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    },
    async noteEndTold(sha256, days) {
      endTold.set(sha256, days);
    },
    async revokeTokensOf({ userId, kind, atMs }) {
      const found = [...tokens.values()].filter(
        (token) =>
          token.userId === userId && token.revokedAtMs === undefined && (kind === undefined || token.kind === kind),
      );
      for (const token of found) tokens.set(token.sha256, { ...token, revokedAtMs: atMs });
      return found.length;
    },
    async claimSetup(sha256, nowMs) {
      const setup = setups.get(sha256);
      if (setup === undefined || nowMs >= setup.expiresAtMs || canAnybodySignIn()) return false;
      return setups.delete(sha256);
    },
    async putSetup(sha256, expiresAtMs) {
      setups.clear(); // one link at a time
      setups.set(sha256, { expiresAtMs });
    },
    async hasUsers() {
      return canAnybodySignIn();
    },
  };
}
