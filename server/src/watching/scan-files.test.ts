import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeakHit } from '../domain/leak.ts';
import { needleTable } from '../domain/leak-matcher.ts';
import { needlesOf } from '../domain/leak-needles.ts';
import { scanFolder } from './scan-files.ts';

const CANARY = { patientId: 'C1', familyName: 'Kvaistouzyrt', givenName: 'Plemodaith', mrn: 'QX123456789B' };
const TABLE = needleTable(needlesOf([{ patientId: 'P1', familyName: 'Weber', givenName: 'Johanna' }], [CANARY]));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'healthsync-leak-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function scanned(bytesMax = 1e9) {
  const hits: LeakHit[] = [];
  const scan = await scanFolder(folder, { table: TABLE, bytesMax, onHit: (hit) => hits.push(hit) });
  return { ...scan, hits };
}
async function holding(files: Readonly<Record<string, Buffer | string>>) {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  const { hits, ...scan } = await scanned();
  return { ...scan, found: hits.map(({ place, what, encoding }) => `${place}: ${what}, ${encoding}`).sort(), hits };
}

const NAME = CANARY.familyName;
const LOG = Array.from({ length: 400 }, (_, i) => JSON.stringify({ level: 'info', msg: 'kept', i })).join('\n');

const unicodeEscape = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A ZIP's first part (APPNOTE 4.3.7), which is all that is looked at; its directory at the end is left out. */
function zipOf(name: string, text: string): Buffer {
  const packed = deflateRawSync(text);
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 'latin1');
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), packed, randomBytes(99)]);
}

describe('a folder that is searched', () => {
  it('gives away a made-up patient wherever it was planted', async () => {
    const page = Buffer.alloc(8_192);
    page.write(NAME, 4_000);
    const { found, files } = await holding({
      'program.log': `${LOG}\n{"msg":"patient ${NAME} not found"}\n${LOG}`,
      'objects/ab/cd/document': Buffer.concat([randomBytes(100_000), Buffer.from(`\0${NAME}\0`), randomBytes(100_000)]),
      'postgres/pg_wal/000000010000000000000001': Buffer.concat([Buffer.alloc(600_000), page, Buffer.alloc(600_000)]),
      'logs/old.log.gz': gzipSync(`${LOG}${NAME}${LOG}`),
      'lake/part-0.parquet': Buffer.concat([
        Buffer.from('PAR1'),
        randomBytes(999),
        zstdCompressSync(Buffer.from(`${LOG}${NAME}${LOG}`)),
        randomBytes(99),
        Buffer.from('PAR1'),
      ]),
      'mail/message.eml': Buffer.from(
        `Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`Dear ${NAME},`).toString('base64')}`,
      ),
      'urls.txt': `GET /search?q=${[...NAME].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')}`,
      'utf16.csv': Buffer.from(`id;name\n1;${NAME}\n`, 'utf16le'),
      // The name lies across the border of two pieces that are read.
      'across.bin': Buffer.concat([Buffer.alloc(262_144 - 5, 0x2e), Buffer.from(NAME), Buffer.alloc(9_999, 0x2e)]),
      'twice.gz': gzipSync(gzipSync(`${LOG}${NAME}`)),
      'record.json': JSON.stringify({ mrn: CANARY.mrn }),
      'page.html': [...NAME].map((letter) => `&#${letter.charCodeAt(0)};`).join(''),
      'page.xml': [...NAME].map((letter) => `&#x${letter.charCodeAt(0).toString(16)};`).join(''),
      'bytea.sql': [...NAME].map((letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`).join(''),
      'nested.json': JSON.stringify(JSON.stringify({ text: `x ${[...NAME].map(unicodeEscape).join('')}` })),
      'power.log': Buffer.from(`Dear ${NAME}`, 'utf16le').toString('base64'),
      'letter.docx': zipOf('word/document.xml', `<w:t>${NAME}</w:t>${LOG}`),
      'letter.pdf': Buffer.concat([
        Buffer.from('%PDF-1.7\nstream\r\n'),
        deflateSync(`(${NAME}) Tj`),
        randomBytes(9_000),
      ]),
    });
    expect(found).toEqual([
      'across.bin: canary, plain',
      'bytea.sql: canary, escaped',
      'lake/part-0.parquet: canary, zstd, plain',
      'letter.docx: canary, zip, plain',
      'letter.pdf: canary, pdf, plain',
      'logs/old.log.gz: canary, gzip, plain',
      'mail/message.eml: canary, base64',
      'nested.json: canary, escaped',
      'objects/ab/cd/document: canary, plain',
      'page.html: canary, escaped',
      'page.xml: canary, escaped',
      'postgres/pg_wal/000000010000000000000001: canary, plain',
      'power.log: canary, base64',
      'program.log: canary, plain',
      'record.json: canary, plain',
      'twice.gz: canary, gzip, gzip, plain',
      'urls.txt: canary, escaped',
      'utf16.csv: canary, plain',
    ]);
    expect(files).toBe(18);
  });

  it('gives away a real patient by the whole name, with whose it is, and never repeats it', async () => {
    const { hits } = await holding({ 'a.log': `${LOG}\nWeber, Johanna\n` });
    expect(hits).toMatchObject([{ where: 'file', place: 'a.log', what: 'name', patientId: 'P1' }]);
    expect(JSON.stringify(hits)).not.toMatch(/weber|johanna/i);
  });

  it('gives away a name in a file’s name, and leaves it out of the place', async () => {
    const { hits } = await holding({ [`letters/${NAME}/discharge.txt`]: 'nothing', 'letters/fine.txt': 'nothing' });
    expect(hits).toMatchObject([{ where: 'file-name', place: 'letters/…', what: 'canary' }]);
    expect(JSON.stringify(hits)).not.toContain(NAME);
  });

  it('has nothing to give away where there is nothing', async () => {
    const { found, leftOut } = await holding({
      'a.log': LOG,
      'b.bin': randomBytes(2_000_000),
      'c.gz': gzipSync(LOG),
      empty: '',
      'preallocated.seg': Buffer.alloc(3_000_000),
    });
    expect(found).toEqual([]);
    expect(leftOut).toEqual([]);
  });

  it('says what it did not read: beyond the bound the oldest, and what is not readable', async () => {
    await writeFile(join(folder, 'a.bin'), Buffer.alloc(5_000));
    await writeFile(join(folder, 'b.bin'), Buffer.alloc(5_000));
    const { files, leftOut } = await scanned(6_000);
    expect(files).toBe(1);
    expect(leftOut).toEqual([expect.stringContaining('1 files beyond the bound of 6000 bytes')]);
    const gone = await scanFolder(join(folder, 'nowhere'), { table: TABLE, bytesMax: 1, onHit: () => undefined });
    expect(gone.leftOut).toEqual(['nowhere: ENOENT']);
  });

  it('follows no links, and is not stopped by what is torn or only looks compressed', async () => {
    await writeFile(join(folder, 'real.log'), 'nothing');
    await symlink(join(folder, '..'), join(folder, 'up'));
    const torn = gzipSync(`${LOG}${NAME}${LOG}${randomBytes(9_999).toString('hex')}`);
    const { found } = await holding({
      'torn.gz': torn.subarray(0, torn.length - 2_000),
      'looks.bin': Buffer.concat([
        Buffer.from([0x1f, 0x8b, 0x08]),
        randomBytes(5_000),
        Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
        randomBytes(5_000),
      ]),
    });
    expect(found).toEqual(['torn.gz: canary, gzip, plain']);
  });
});
