import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** What is waited for in tests may take long on a busy machine: how fast it is, `bench/` says. */
const expect = { poll: { timeout: 30_000 } };
/**
 * Tests of real parts (servers, browsers, killed processes) are tried twice: a machine that stands still for half a
 * minute is no defect. Whoever needed the second try is named at the end, and looked into: `test/second-tries.ts`.
 */
const retry = 1;
/**
 * As in production: Node itself loads our TypeScript. Handing every module through Vite was a fifth of the CPU of
 * short tests. What Node compiled for one file it need not compile again for the next.
 */
const native = {
  experimental: { viteModuleRunner: false, nodeLoader: false },
  setupFiles: ['./test/compile-cache.ts'],
};
/** These tests wait for other processes much of their time: on two cores, three of them at once keep both busy. */
const maxWorkers = Math.max(3, availableParallelism() - 1);

// Pure tests share threads; tests that start servers, kill processes or open browsers get a process each. The groups run
// one after the other: what a person sees in a browser has the machine to itself, the others share it.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'pure',
          include: ['contracts/src/**/*.test.ts', 'server/src/domain/**/*.test.ts', 'web/src/**/*.test.ts'],
          pool: 'threads',
          isolate: false,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...native,
          name: 'server',
          include: ['server/src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['server/src/domain/**', '**/node_modules/**'],
          pool: 'forks',
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect,
          retry,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...native,
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/web-*.test.ts'],
          pool: 'forks',
          maxWorkers,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect,
          retry,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...native,
          name: 'browser',
          include: ['test/e2e/web-*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect,
          retry,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
