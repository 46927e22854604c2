import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  KMSServiceException,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { Failure } from '../../ports/failure.ts';
import type { KeyContext, KeyManagement, KeyScope } from '../../ports/key-management.ts';

/**
 * Key-encryption keys in AWS KMS: one symmetric key per region and tenant behind the alias
 * `alias/healthsync/<region>/<tenant>`. The context of a wrapped key is its encryption context, so AWS CloudTrail shows
 * whose key was opened, and nothing else. Rotating makes a new key and points the alias to it; the older ones stay and
 * unwrap what they wrapped. (KMS's own yearly rotation of key material may be on beside it: it is not seen here.)
 *
 * Needs `kms:GenerateDataKey`, `Encrypt`, `Decrypt`, `DescribeKey` on the keys, and for the first use and `rotate`
 * `CreateKey`, `CreateAlias`, `UpdateAlias`.
 */
export function createKmsKeys(client: KMSClient): KeyManagement {
  /** KMS names what wrapped by its ARN; the alias may have moved on. */
  const arns = new Map<string, { readonly arn: string; readonly untilMs: number }>();

  async function make(scope: KeyScope): Promise<string> {
    const { KeyMetadata } = await client.send(
      new CreateKeyCommand({
        Description: `HealthSync, ${scope.region}, ${scope.tenant}`,
        KeyUsage: 'ENCRYPT_DECRYPT',
      }),
    );
    return needed(KeyMetadata?.Arn);
  }

  async function newest(scope: KeyScope): Promise<string> {
    const alias = aliasOf(scope);
    const known = arns.get(alias);
    if (known !== undefined && performance.now() < known.untilMs) return known.arn;
    const arn = await describe(alias).catch(async (error: unknown) => {
      if (!isNamed(error, 'NotFoundException')) throw error;
      const made = await make(scope);
      try {
        await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: made }));
        return made;
      } catch (raced) {
        // Another process was first: its key counts, ours stays unused.
        if (!isNamed(raced, 'AlreadyExistsException')) throw raced;
        return await describe(alias);
      }
    });
    return remember(alias, arn);
  }

  async function describe(key: string): Promise<string> {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: key }));
    return needed(KeyMetadata?.Arn);
  }

  function remember(alias: string, arn: string): string {
    arns.set(alias, { arn, untilMs: performance.now() + ALIAS_REMEMBERED_MS });
    return arn;
  }

  return {
    newest: (scope) => failing(() => newest(scope)),
    newDataKey: (context) =>
      failing(async () => {
        const kek = await newest(context);
        const { Plaintext, CiphertextBlob } = await client.send(
          new GenerateDataKeyCommand({ KeyId: kek, KeySpec: 'AES_256', EncryptionContext: encryptionContext(context) }),
        );
        return { key: needed(Plaintext), wrapped: { kek, bytes: needed(CiphertextBlob) } };
      }),
    unwrap: ({ kek, bytes }, context) =>
      failing(async () => {
        const { Plaintext } = await client.send(
          new DecryptCommand({ KeyId: kek, CiphertextBlob: bytes, EncryptionContext: encryptionContext(context) }),
        );
        return needed(Plaintext);
      }),
    rewrap: ({ kek, bytes }, context) =>
      failing(async () => {
        const EncryptionContext = encryptionContext(context);
        const to = await newest(context);
        // Not ReEncrypt: emulators answer it without checking the context.
        const { Plaintext } = await client.send(
          new DecryptCommand({ KeyId: kek, CiphertextBlob: bytes, EncryptionContext }),
        );
        const { CiphertextBlob } = await client.send(
          new EncryptCommand({ KeyId: to, Plaintext: needed(Plaintext), EncryptionContext }),
        );
        return { kek: to, bytes: needed(CiphertextBlob) };
      }),
    rotate: (scope) =>
      failing(async () => {
        await newest(scope);
        const arn = await make(scope);
        await client.send(new UpdateAliasCommand({ AliasName: aliasOf(scope), TargetKeyId: arn }));
        return remember(aliasOf(scope), arn);
      }),
  };
}

/** How long another process may go on wrapping by the key before a rotation; it stays able to unwrap either way. */
const ALIAS_REMEMBERED_MS = 60_000;

const aliasOf = ({ region, tenant }: KeyScope): string =>
  `alias/healthsync/${region}/${tenant}`.replaceAll(/[^a-zA-Z0-9/_-]/g, '_');

const encryptionContext = ({ region, tenant, subject }: KeyContext): Record<string, string> => ({
  'healthsync:region': region,
  'healthsync:tenant': tenant,
  'healthsync:subject': subject,
});

function needed<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Failure('keys-unavailable', 'The key service left out its answer.', { retryable: true });
  return value;
}

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** What will be refused again, whoever asks: the key is not there, not ours, switched off, or the context is another. */
const REFUSALS = new Set([
  'AccessDeniedException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidCiphertextException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'ValidationException',
]);

async function failing<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    if (cause instanceof KMSServiceException && REFUSALS.has(cause.name))
      throw new Failure('keys-refused', `The key service refused: ${cause.name}.`, { retryable: false, cause });
    throw new Failure('keys-unavailable', 'The key service cannot be reached.', { retryable: true, cause });
  }
}
