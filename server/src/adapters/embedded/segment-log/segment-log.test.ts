import { readingLogContract } from '../../../ports/reading-log.contract.ts';
import { SegmentWorld } from './test-world.ts';

readingLogContract('segment files', () => SegmentWorld.make());
readingLogContract('segment files, written by a thread', () => SegmentWorld.make({ isThreaded: true }));
