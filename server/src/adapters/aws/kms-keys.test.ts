import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import { keyManagementContract } from '../../ports/key-management.contract.ts';
import { createKmsKeys } from './kms-keys.ts';
import { isMotoInstalled, type Moto, startMoto } from './test-moto.ts';

const isHere = isMotoInstalled();
if (!isHere) process.stderr.write('SKIPPED: no moto_server here, the AWS KMS adapter is not tested\n');
let moto: Moto | undefined;
afterAll(() => moto?.stop());

const clientOf = (endpoint: string) =>
  new KMSClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });

describe.skipIf(!isHere)('AWS KMS', () => {
  keyManagementContract('AWS KMS', async () => {
    moto = await startMoto();
    return createKmsKeys(clientOf(moto.url));
  });
});

describe('a key service that cannot be reached', () => {
  it('is a failure that may pass', async () => {
    const keys = createKmsKeys(clientOf('http://127.0.0.1:1'));
    const context = { region: 'eu-1', tenant: DEFAULT_TENANT, subject: 'patient:P1' };
    await expect(keys.newDataKey(context)).rejects.toMatchObject({ code: 'keys-unavailable', retryable: true });
  });
});
