import { defineConfig } from 'vitest/config';

// Pure tests share threads; tests that start servers, kill processes or open browsers get a process each.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['contracts/src/**/*.test.ts', 'server/src/domain/**/*.test.ts', 'web/src/**/*.test.ts'],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'server',
          include: ['server/src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['server/src/domain/**', '**/node_modules/**'],
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
