import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { Failure } from '../../ports/failure.ts';
import type { KeyContext, KeyManagement, KeyScope, WrappedKey } from '../../ports/key-management.ts';

/**
 * Key-encryption keys in files that only their owner can read: what protects an installation without a key service. Who
 * can read these and the database can read everything; they belong into no backup that holds the database.
 *
 * Each key is a file of its own, numbered and never changed. Its name is taken in one step, so of two processes that
 * make one at the same moment the second finds that of the first: no key is ever overwritten.
 *
 * Wrapping is AES-256-GCM with a random nonce (12 bytes, before the ciphertext) and the context as additional data.
 */
export async function openLocalKeys(options: {
  /** Made where it is missing. */
  readonly folder: string;
  readonly now: () => number;
}): Promise<KeyManagement> {
  const { folder } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let kept = await readAll(folder);

  /** `seen`: how many keys there were when it was decided that one is missing; none is made if there are more by now. */
  async function make(scope: KeyScope, seen: number): Promise<void> {
    const scopeText = scopeOf(scope);
    const version = 1 + kept.filter((kek) => kek.scope === scopeText).length;
    await publish(join(folder, fileName(seen + 1)), {
      id: `local/${scopeText}/${version}`,
      scope: scopeText,
      createdAt: new Date(options.now()).toISOString(),
      key: randomBytes(32).toString('base64'),
    });
    kept = await readAll(folder);
  }

  async function current(scope: KeyScope): Promise<Kek> {
    const scopeText = scopeOf(scope);
    for (;;) {
      const newest = kept.findLast((kek) => kek.scope === scopeText);
      if (newest !== undefined) return newest;
      await make(scope, kept.length);
    }
  }

  async function byId(id: string): Promise<Kek> {
    const known = kept.find((kek) => kek.id === id);
    if (known !== undefined) return known;
    kept = await readAll(folder);
    const found = kept.find((kek) => kek.id === id);
    if (found === undefined) throw refused('The key-encryption key that wrapped this is not in the key file.');
    return found;
  }

  async function unwrap(wrapped: WrappedKey, context: KeyContext): Promise<Uint8Array> {
    const kek = await byId(wrapped.kek);
    if (kek.scope !== scopeOf(context)) throw refused('This key belongs to another region or organisation.');
    const key = unwrapped(kek, wrapped.bytes, context);
    if (key === undefined) throw refused('A wrapped key was altered, or belongs to somebody else.');
    return key;
  }

  return {
    unwrap,
    async newDataKey(context) {
      const key = randomBytes(32);
      return { key, wrapped: wrap(await current(context), key, context) };
    },
    async rewrap(wrapped, context) {
      return wrap(await current(context), await unwrap(wrapped, context), context);
    },
    newest: async (scope) => (await current(scope)).id,
    async rotate(scope) {
      kept = await readAll(folder);
      await make(scope, kept.length);
      return (await current(scope)).id;
    },
  };
}

const KekSchema = Type.Object({
  id: Type.String(),
  scope: Type.String(),
  createdAt: Type.String(),
  /** 32 bytes, base64. */
  key: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }),
});
type Kek = Static<typeof KekSchema>;

const scopeOf = ({ region, tenant }: KeyScope): string => `${region}/${tenant}`;
const aadOf = (context: KeyContext): Buffer => Buffer.from(`healthsync kek 1\n${scopeOf(context)}\n${context.subject}`);

function wrap(kek: Kek, key: Uint8Array, context: KeyContext): WrappedKey {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secretOf(kek), nonce);
  cipher.setAAD(aadOf(context));
  const body = cipher.update(key);
  cipher.final();
  return { kek: kek.id, bytes: Buffer.concat([nonce, body, cipher.getAuthTag()]) };
}

function unwrapped(kek: Kek, bytes: Uint8Array, context: KeyContext): Buffer | undefined {
  if (bytes.length !== 12 + 32 + 16) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', secretOf(kek), bytes.subarray(0, 12));
  decipher.setAAD(aadOf(context));
  decipher.setAuthTag(bytes.subarray(44));
  const key = decipher.update(bytes.subarray(12, 44));
  try {
    decipher.final();
    return key;
  } catch {
    return undefined;
  }
}

/** Making a key of bytes takes ten times as long as using it. */
const secrets = new WeakMap<Kek, KeyObject>();
function secretOf(kek: Kek): KeyObject {
  const secret = secrets.get(kek) ?? createSecretKey(kek.key, 'base64');
  secrets.set(kek, secret);
  return secret;
}

const FILE = /^kek-\d{6}\.json$/;
const fileName = (number: number): string => `kek-${String(number).padStart(6, '0')}.json`;

/** Under this name with all of its bytes on the disk, or not at all; nothing where the name is taken. */
async function publish(path: string, kek: Kek): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(`${JSON.stringify(kek)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

async function readAll(folder: string): Promise<readonly Kek[]> {
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).sort();
  return await Promise.all(names.map((name) => readKek(join(folder, name))));
}

async function readKek(path: string): Promise<Kek> {
  let text: string;
  try {
    // Whoever else can read it has all the keys: better no service than one that nobody was told is open.
    const { mode, uid } = await lstat(path);
    if ((mode & 0o077) !== 0)
      throw unusable(`${path} can be read by others than its owner. Make it private: chmod 600.`);
    if (process.getuid !== undefined && uid !== process.getuid() && process.getuid() !== 0)
      throw unusable(`${path} belongs to somebody else.`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('keys-unavailable', `The key file ${path} cannot be read.`, { retryable: true, cause });
  }
  try {
    return Value.Parse(KekSchema, JSON.parse(text));
  } catch {
    // The cause would quote the file.
    throw unusable(
      `The key file ${path} is damaged. Put its backup in its place; without it what it protects cannot be read.`,
    );
  }
}

const refused = (message: string): Failure => new Failure('keys-refused', message, { retryable: false });
const unusable = (message: string): Failure => new Failure('data-folder-unusable', message, { retryable: false });
