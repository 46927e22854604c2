import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { yieldToDevices } from './processor-share.ts';

describe('a process that yields to devices', () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('has less of the processor than others, by itself and as a session of its own', () => {
    // As PostgreSQL's are: in a session of its own.
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    children.push(child);
    const pid = child.pid as number;
    const before = getPriority(pid);
    yieldToDevices(pid);
    expect(getPriority(pid)).toBeGreaterThan(before);
    const autogroup = `/proc/${pid}/autogroup`;
    if (!existsSync(autogroup)) return;
    const shown = readFileSync(autogroup, 'utf8');
    // Empty where the process is in a control group, whose share it is.
    if (shown !== '') expect(shown).toMatch(/ nice 5$/m);
  });

  it('that has ended meanwhile is nobody’s trouble', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(() => yieldToDevices(child.pid as number)).not.toThrow();
  });
});
