import { KeyStatus } from '@healthsync/contracts/key';
import type { FastifyInstance } from 'fastify';
import type { SubjectKeyStore } from '../../ports/subject-keys.ts';
import type { Api } from '../validation.ts';

export interface KeyServices {
  readonly keys: { readonly store: Pick<SubjectKeyStore, 'counts'>; newestKek(): Promise<string> };
  readonly management: KeyStatus['management'];
}

/** How many keys there are and what wraps them. They are rotated and erased on the command line, where the key file is. */
export function registerKeys(app: FastifyInstance, { keys, management }: KeyServices): void {
  const api = app as unknown as Api;
  api.get(
    '/api/keys',
    {
      config: { action: 'key.read', installation: true },
      schema: {
        summary: 'How many keys there are, and which one wraps them; never a key',
        tags: ['operations'],
        response: { 200: KeyStatus },
      },
    },
    async (): Promise<KeyStatus> => {
      const [counts, kek] = await Promise.all([keys.store.counts(), keys.newestKek()]);
      return { management, kek, ...counts };
    },
  );
}
