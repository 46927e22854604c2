import type { SecondFactors, StoredFactor } from '../../ports/second-factors.ts';

/** Second factors that last as long as the process: for tests. */
export function createMemorySecondFactors(): SecondFactors {
  const factors = new Map<string, StoredFactor>();
  const steps = new Map<string, number>();
  const codes = new Map<string, Set<string>>();
  const spent = new Set<string>();

  return {
    async list(userId) {
      return [...factors.values()]
        .filter((factor) => factor.userId === userId)
        .sort((a, b) => a.createdAtMs - b.createdAtMs);
    },
    async add(factor) {
      const isTaken = [...factors.values()].some(
        (other) => other.kind === 'passkey' && factor.kind === 'passkey' && other.credentialId === factor.credentialId,
      );
      if (!isTaken) factors.set(factor.id, factor);
      return isTaken ? 'taken' : 'added';
    },
    async findPasskey(credentialId) {
      for (const factor of factors.values())
        if (factor.kind === 'passkey' && factor.credentialId === credentialId) return factor;
      return undefined;
    },
    async useStep({ id, step, atMs }) {
      const factor = factors.get(id);
      if (factor?.kind !== 'totp' || step <= (steps.get(id) ?? -1)) return false;
      steps.set(id, step);
      factors.set(id, { ...factor, usedAtMs: atMs });
      return true;
    },
    async usePasskey({ id, counter, atMs }) {
      const factor = factors.get(id);
      if (factor?.kind !== 'passkey') return false;
      if (counter <= factor.counter && (counter !== 0 || factor.counter !== 0)) return false;
      factors.set(id, { ...factor, counter, usedAtMs: atMs });
      return true;
    },
    async remove({ userId, id }) {
      return factors.get(id)?.userId === userId && factors.delete(id);
    },
    async putRecoveryCodes(userId, sha256s) {
      codes.set(userId, new Set(sha256s));
    },
    async useRecoveryCode({ userId, sha256 }) {
      return codes.get(userId)?.delete(sha256) ?? false;
    },
    async recoveryCodesLeft(userId) {
      return codes.get(userId)?.size ?? 0;
    },
    async clear(userId) {
      for (const factor of factors.values()) if (factor.userId === userId) factors.delete(factor.id);
      codes.delete(userId);
    },
    async spend({ sha256 }) {
      if (spent.has(sha256)) return false;
      spent.add(sha256);
      return true;
    },
  };
}
