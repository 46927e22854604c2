import type { Reporter, TestCase } from 'vitest/node';

/** Names the tests that failed at first and passed at their second try: none of them is done with. */
export default class SecondTries implements Reporter {
  readonly #names: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky !== true) return;
    const why = test.result().errors?.[0]?.message ?? '';
    this.#names.push(`${test.module.relativeModuleId} > ${test.fullName}: ${why.split('\n')[0]}`);
  }

  onTestRunEnd(): void {
    if (this.#names.length === 0) return;
    process.stderr.write(`\nPassed at the second try only (look into each):\n${this.#names.map(line).join('')}`);
  }
}

const line = (name: string): string => `  ${name}\n`;
