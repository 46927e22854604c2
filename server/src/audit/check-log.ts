import type { KeyObject } from 'node:crypto';
import type { AuditStore } from '../ports/audit-store.ts';
import { evidenceOfStore } from './evidence.ts';
import { type AuditFinding, verifyAudit } from './verify.ts';

/** What a verification in the background says. */
export interface LogCheck {
  readonly from: number;
  readonly size: number;
  readonly findings: number;
  /** What kinds of them, each once. */
  readonly kinds: readonly AuditFinding['kind'][];
  readonly entries: number;
  readonly headsChecked: number;
}

/** Verifies the log from that entry on, also against heads that were kept elsewhere. */
export async function checkLog(parts: {
  readonly store: AuditStore;
  readonly keys: readonly KeyObject[];
  readonly from: number;
  readonly anchored: readonly string[];
}): Promise<LogCheck> {
  const { store, keys, from, anchored } = parts;
  const verdict = await verifyAudit(await evidenceOfStore(store, { from, anchored }), { keys });
  const { size, entries, headsChecked, findings, findingsTotal } = verdict;
  return {
    from: verdict.from,
    size,
    findings: findingsTotal,
    kinds: [...new Set(findings.map(({ kind }) => kind))],
    entries,
    headsChecked,
  };
}
