import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuditWriter } from '../../audit/audit-writer.ts';
import { evidenceOfStore } from '../../audit/evidence.ts';
import { makeEntry } from '../../audit/test-entries.ts';
import { newTreeHeadKey } from '../../audit/tree-head-key.ts';
import { verifyAudit } from '../../audit/verify.ts';
import { parseNote } from '../../domain/audit-head.ts';
import { treeHeadAnchorContract } from '../../ports/tree-head-anchor.contract.ts';
import { MemoryAuditStore } from '../memory/memory-audit-store.ts';
import { ObjectLockAnchor } from './object-lock-anchor.ts';
import { isMotoInstalled, type Moto, startMoto } from './test-moto.ts';

const isHere = isMotoInstalled();
if (!isHere) process.stderr.write('SKIPPED: no moto_server here, the S3 anchor of the audit log is not tested\n');
const YEARS_7_MS = 2557 * 86_400_000;
let moto: Moto | undefined;
let client: S3Client;
let buckets = 0;
beforeAll(async () => {
  if (!isHere) return;
  moto = await startMoto();
  client = new S3Client({
    endpoint: moto.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterAll(() => moto?.stop());

async function newBucket(hasLock = true): Promise<string> {
  const bucket = `heads-${++buckets}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: hasLock }));
  return bucket;
}

const anchorIn = (place: string) => new ObjectLockAnchor('object store', { client, place, retainMs: YEARS_7_MS });

describe.skipIf(!isHere)('S3 with Object Lock', () => {
  treeHeadAnchorContract('S3 with Object Lock', async () => anchorIn(`${await newBucket()}/audit/heads`));

  it('lets nobody delete a head, and finds it under whatever is written over it or hides it', async () => {
    const bucket = await newBucket();
    const anchor = anchorIn(bucket);
    const signedAtMs = Date.now();
    await anchor.keep({ size: 1, signedAtMs, note: 'the head' });
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const [{ Key, VersionId } = {}] = Versions;
    await expect(
      client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId, BypassGovernanceRetention: true })),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'another' }));
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect(await anchor.kept()).toContain('the head');
  });

  it('takes none where the bucket locks nothing', async () => {
    const anchor = anchorIn(await newBucket(false));
    await expect(anchor.keep({ size: 1, signedAtMs: Date.now(), note: 'the head' })).rejects.toThrow();
  });

  it('betrays a log that was made anew from its beginning, with the stolen key, by its head', async () => {
    const anchor = anchorIn(await newBucket());
    const key = newTreeHeadKey();
    const before = await logOf('P1', key);
    const { head = '' } = await before.open('-');
    await anchor.keep({ size: 3, signedAtMs: parseNote(head)?.head.signedAtMs ?? 0, note: head });
    const keys = [key.publicKey];
    const anchored = await anchor.kept();
    expect(await verifyAudit(await evidenceOfStore(before, { anchored }), { keys })).toMatchObject({ isIntact: true });
    const forged = await logOf('P2', key);
    // By itself it is beyond reproach.
    expect(await verifyAudit(await evidenceOfStore(forged), { keys })).toMatchObject({ isIntact: true });
    expect(await verifyAudit(await evidenceOfStore(forged, { anchored }), { keys })).toMatchObject({
      isIntact: false,
      findings: expect.arrayContaining([expect.objectContaining({ kind: 'root', from: 0, to: 3 })]),
    });
  });
});

async function logOf(patientId: string, key: ReturnType<typeof newTreeHeadKey>): Promise<MemoryAuditStore> {
  const store = new MemoryAuditStore();
  const writer = await openAuditWriter({ store, key, now: Date.now, originIfNew: 'healthsync-audit/test' });
  await writer.append([makeEntry({ patientId }), makeEntry({ patientId }), makeEntry({ patientId })]);
  await writer.close();
  return store;
}
