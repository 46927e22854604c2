import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readingLogContract } from '../../../ports/reading-log.contract.ts';
import { openSegmentLog, type SegmentLog } from './segment-log.ts';

readingLogContract('segment files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'healthsync-log-'));
  const open: SegmentLog[] = [];
  return {
    durable: true,
    open: async () => {
      const log = await openSegmentLog({
        folder,
        partitions: 8,
        groups: ['keep', 'assess'],
        now: Date.now,
        settings: { segmentBytes: 256 * 1024, freeBytesMin: 0, tailReadingsMax: 1_000 },
      });
      open.push(log);
      return log;
    },
    dispose: async () => {
      for (const log of open) await log.close();
      await rm(folder, { recursive: true });
    },
  };
});
