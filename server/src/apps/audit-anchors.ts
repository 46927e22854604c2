import { join } from 'node:path';
import { FolderAnchor } from '../adapters/anchors/folder-anchor.ts';
import { WebhookAnchor } from '../adapters/anchors/webhook-anchor.ts';
import { parseNote } from '../domain/audit-head.ts';
import type { ReadableAnchor, TreeHeadAnchor } from '../ports/tree-head-anchor.ts';
import { outgoingRules } from './outgoing-rules.ts';
import type { Settings } from './settings.ts';

const DAY_MS = 86_400_000;

/** Every place that keeps tree heads, as it is set. */
export async function anchorsOf(settings: Settings, now: () => number): Promise<readonly TreeHeadAnchor[]> {
  const { auditWitnessUrl: url, auditWitnessSecret: secret } = settings;
  const readable = await readableAnchors(settings);
  if (url === undefined || secret === undefined) return readable;
  // The installation's own setting names it, so it may lie in the house.
  const rules = outgoingRules(settings, [new URL(url).host]);
  const ca = settings.siemCa;
  const witness = new WebhookAnchor(
    'witness',
    { url, secrets: [secret] },
    { outgoing: rules, now, ...(ca !== undefined && { ca }) },
  );
  return [...readable, witness];
}

/** Those whose heads a verification compares with. */
export async function readableAnchors(settings: Settings): Promise<readonly ReadableAnchor[]> {
  const { dataFolder, auditAnchorFolder: folder, auditAnchorS3: place, auditAnchorS3Days: days } = settings;
  return [
    inDataFolder(dataFolder),
    ...(folder === undefined ? [] : [new FolderAnchor('folder', folder)]),
    ...(place === undefined ? [] : [await objectStore(place, days * DAY_MS)]),
  ];
}

/** At once, and not when its turn comes: the last one before an end, and that of what must never be taken back. */
export async function keepLocally(dataFolder: string, head: string | undefined): Promise<void> {
  const parsed = head === undefined ? undefined : parseNote(head);
  if (head === undefined || parsed === undefined) return;
  const { size, signedAtMs } = parsed.head;
  await inDataFolder(dataFolder).keep({ size, signedAtMs, note: head });
}

const inDataFolder = (dataFolder: string) => new FolderAnchor('data folder', join(dataFolder, 'audit', 'heads'));

/** Loaded only where it is used: the library takes as long as all the rest of a command. */
async function objectStore(place: string, retainMs: number): Promise<ReadableAnchor> {
  const [{ S3Client }, { ObjectLockAnchor }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('../adapters/aws/object-lock-anchor.ts'),
  ]);
  return new ObjectLockAnchor('object store', { client: new S3Client({ maxAttempts: 3 }), place, retainMs });
}

/** What they have; and which of them could not be read. */
export async function readAnchors(anchors: readonly ReadableAnchor[]): Promise<{
  readonly heads: readonly string[];
  readonly unread: readonly { readonly name: string; readonly error: unknown }[];
}> {
  const answers = await Promise.all(
    anchors.map((anchor) =>
      anchor.kept().then(
        (heads) => ({ heads }),
        (error: unknown) => ({ heads: [], unread: { name: anchor.name, error } }),
      ),
    ),
  );
  return {
    heads: answers.flatMap(({ heads }) => heads),
    unread: answers.flatMap((answer) => ('unread' in answer ? [answer.unread] : [])),
  };
}
