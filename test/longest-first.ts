import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes begins first: begun last, it would be what all others have long ended and one core waits for. */
const LONGEST = [
  'test/e2e/crash.test.ts',
  'test/simulation/simulation.test.ts',
  'test/e2e/told-together.test.ts',
  'test/e2e/alarm-life.test.ts',
  'server/src/apps/audit-walk.test.ts',
  'test/e2e/several-servers.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((path) => moduleId.endsWith(path));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
