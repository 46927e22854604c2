import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { AnchoredHead, ReadableAnchor } from '../../ports/tree-head-anchor.ts';

/**
 * Tree heads in an S3 bucket with Object Lock, in compliance mode: until its time is over nobody can delete a version or
 * shorten its time, the account's owner included. The same head again is the same object.
 *
 * The bucket must have been made with Object Lock. Needs `s3:PutObject`, `PutObjectRetention`, and to verify
 * `ListBucketVersions` and `GetObjectVersion`.
 */
export class ObjectLockAnchor implements ReadableAnchor {
  readonly name: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #retainMs: number;

  constructor(
    name: string,
    options: {
      readonly client: S3Client;
      /** `bucket`, or `bucket/folder/in/it`. */
      readonly place: string;
      /** From when the head was signed. */
      readonly retainMs: number;
    },
  ) {
    const [bucket = '', ...folders] = options.place.split('/').filter((part) => part !== '');
    this.name = name;
    this.#client = options.client;
    this.#bucket = bucket;
    this.#prefix = folders.map((folder) => `${folder}/`).join('');
    this.#retainMs = options.retainMs;
  }

  async keep({ size, signedAtMs, note }: AnchoredHead): Promise<void> {
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: `${this.#prefix}${String(size).padStart(16, '0')}-${signedAtMs}${SUFFIX}`,
          Body: note,
          ContentType: 'text/plain; charset=utf-8',
          ObjectLockMode: 'COMPLIANCE',
          ObjectLockRetainUntilDate: new Date(signedAtMs + this.#retainMs),
          // S3 takes nothing under a lock without one.
          ChecksumAlgorithm: 'SHA256',
          IfNoneMatch: '*',
        }),
      );
    } catch (error) {
      const isThere = error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
      if (!isThere) throw error;
    }
  }

  /** Every version there ever was: one that was written over, or hidden by a delete marker, is still there to be read. */
  async kept(): Promise<readonly string[]> {
    const notes: string[] = [];
    const versions = await this.#versions();
    for (let at = 0; at < versions.length; at += READ_AT_ONCE)
      notes.push(...(await Promise.all(versions.slice(at, at + READ_AT_ONCE).map((one) => this.#read(one)))));
    return notes;
  }

  async #versions(): Promise<readonly ObjectVersion[]> {
    const found: ObjectVersion[] = [];
    for (let after: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}; after !== undefined; ) {
      const page: ListObjectVersionsCommandOutput = await this.#client.send(
        new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: this.#prefix, ...after }),
      );
      found.push(...(page.Versions ?? []).filter(({ Key }) => Key?.endsWith(SUFFIX) === true));
      after =
        page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextVersionIdMarker !== undefined && { VersionIdMarker: page.NextVersionIdMarker }),
            }
          : undefined;
    }
    return found;
  }

  async #read({ Key, VersionId }: ObjectVersion): Promise<string> {
    const { Body, ContentLength = 0 } = await this.#client.send(
      new GetObjectCommand({ Bucket: this.#bucket, Key, VersionId }),
    );
    // Whatever else somebody put there is no head, and is said to be none.
    if (ContentLength > NOTE_BYTES_MAX) return '';
    return (await Body?.transformToString()) ?? '';
  }
}

const SUFFIX = '.head';
/** A head an hour for seven years is 61,000: at some 20 ms each, under a minute. */
const READ_AT_ONCE = 32;
/** As `domain/audit-head.ts` reads them. */
const NOTE_BYTES_MAX = 16_384;
