import { Failure } from '../../ports/failure.ts';
import { readingLogContract } from '../../ports/reading-log.contract.ts';
import { MemoryReadingLog } from './memory-reading-log.ts';

readingLogContract('memory', async () => {
  const log = new MemoryReadingLog();
  return {
    durable: false,
    open: async () => log,
    dispose: () => log.close(),
    exhaust: async () => {
      log.refusal = new Failure('log-full', 'full', { retryable: true });
      return async () => {
        log.refusal = undefined;
      };
    },
    breakStorage: () => log.breakDown(new Error('EIO')),
  };
});
