import { readingLogContract } from '../../../ports/reading-log.contract.ts';
import { SegmentWorld } from './test-world.ts';

readingLogContract('segment files', () => SegmentWorld.make());
readingLogContract('segment files, written by a thread', () => SegmentWorld.make({ isThreaded: true }));
readingLogContract('segment files in clear, as versions before wrote them', () => SegmentWorld.make({ isClear: true }));
