import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

describe('what nobody caught', () => {
  it.each(["throw new TypeError('of Jane Doe')", "Promise.reject(new Error('of Jane Doe'))"])(
    'ends the process, and is said without what it quotes: %s',
    (fault) => {
      const program = `
        import { createLog } from './telemetry/log.ts';
        import { endOnWhatNobodyCaught } from './apps/last-resort.ts';
        endOnWhatNobodyCaught(createLog({ level: 'error' }), 70);
        setInterval(() => {}, 1000);
        setTimeout(() => { ${fault}; });
      `;
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module-typescript', '-e', program],
        {
          cwd: join(import.meta.dirname, '..'),
          encoding: 'utf8',
        },
      );
      expect([status, stdout]).toEqual([70, '']);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(JSON.parse(stderr)).toMatchObject({
        level: expect.anything(),
        message: expect.stringContaining('nobody caught'),
      });
      expect(stderr).not.toContain('Jane');
    },
  );
});
