import { Failure } from '../ports/failure.ts';
import { ownProcess } from './own-process.ts';

/** What a job may do, for the tests of its process. */
export interface TestJob {
  readonly does: 'answer' | 'fail' | 'throw' | 'wait' | 'fill-memory' | 'exit' | 'look-around';
}

ownProcess<TestJob, unknown, number>(async ({ does }, tell) => {
  switch (does) {
    case 'answer':
      for (let index = 0; index < 3; index++) tell(index);
      return { map: new Map([['bytes', new Uint8Array(3_000_000).fill(7)]]) };
    case 'fail':
      throw new Failure('database-unavailable', 'away', { retryable: true });
    case 'throw':
      throw new TypeError('a defect');
    case 'wait':
      tell(process.pid);
      return await new Promise(() => setInterval(() => {}, 1_000));
    case 'fill-memory': {
      const kept: unknown[] = [];
      for (;;) kept.push({ kept: `${kept.length}` });
    }
    case 'exit':
      return process.exit(3);
    case 'look-around':
      return { environment: Object.keys(process.env), options: process.argv.slice(2) };
  }
});
