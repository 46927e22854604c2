import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderAnchor } from '../../adapters/anchors/folder-anchor.ts';
import type { RestoreSeen } from '../../audit/accepted-restores.ts';
import { openTreeHeadKey } from '../../audit/tree-head-key.ts';
import type { AuditFinding, AuditVerdict } from '../../audit/verify.ts';
import { type Answer, Misuse } from './command.ts';

/** What a verification says, for a person and for a script. */
export function answerOf(verdict: AuditVerdict): Answer {
  const { isIntact, entries, pruned, headsChecked, findings, findingsTotal, rootHash, restores } = verdict;
  const lines = isIntact
    ? [
        `Intact: ${entries} entries are what was signed in ${headsChecked} tree heads.`,
        ...(pruned > 0 ? [`${pruned} more were deleted after their retention; their hashes are in place.`] : []),
        `Root ${rootHash}`,
      ]
    : [`NOT INTACT: ${findingsTotal} findings.`, ...findings.map(findingLine)];
  const accepted = restores.map((restore) => restoreLine(restore));
  if (accepted.length > 0 && isIntact) lines.push(`Verified from ${verdict.from} to ${verdict.size - 1}.`);
  return { json: verdict, text: [...lines, ...accepted].join('\n'), failed: !isIntact };
}

export function findingLine({ kind, from, to, text }: AuditFinding): string {
  return `${kind.padEnd(12)} ${placeOf(from, to)}: ${text}`;
}

function restoreLine({ restoredSize, lostSize, lostUntilMs, acceptedAtMs, by, reason, position }: RestoreSeen): string {
  const lost = lostSize - restoredSize;
  return (
    `A restore was accepted on ${new Date(acceptedAtMs).toISOString()} by ${by} for "${reason}" (entry ${position}): ` +
    `${lost} ${lost === 1 ? 'entry' : 'entries'} of before (${restoredSize} to ${lostSize - 1}), ` +
    `signed until ${new Date(lostUntilMs).toISOString()}, ${lost === 1 ? 'is' : 'are'} not here.`
  );
}

function placeOf(from: number, to: number): string {
  return to - from === 1 ? `entry ${from}` : `entries ${from} to ${to - 1}`;
}

/** Whose signatures count: the installation's own, or one that was named. */
export async function trustedKeys(dataFolder: string, keyFile: string | undefined): Promise<readonly KeyObject[]> {
  if (keyFile !== undefined) return [await readKey(keyFile)];
  return [(await openTreeHeadKey(join(dataFolder, 'audit', 'signing-key.pem'))).publicKey];
}

export async function readKey(path: string): Promise<KeyObject> {
  const pem = await readFile(path, 'utf8');
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // said below
  }
  throw new Misuse('--key', 'expected an Ed25519 public key in PEM, as /.well-known/healthsync-audit-keys has it');
}

/** Heads that were kept elsewhere: files, and folders of them. */
export async function givenHeads(paths: readonly string[]): Promise<readonly string[]> {
  const heads: string[] = [];
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) heads.push(...(await new FolderAnchor('given', path).kept()));
    else heads.push(await readFile(path, 'utf8'));
  }
  return heads;
}

/** An option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
