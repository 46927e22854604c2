import { describe, expect, it } from 'vitest';
import { undoStack } from './undo.ts';

describe('what was started', () => {
  it('is stopped backwards', async () => {
    const stopped: string[] = [];
    const undo = undoStack();
    for (const name of ['database', 'log', 'endpoint']) undo.push(name, async () => void stopped.push(name));
    expect(await undo.run()).toEqual([]);
    expect(stopped).toEqual(['endpoint', 'log', 'database']);
  });

  it('is stopped to the end when one step fails, and the failure is named', async () => {
    const stopped: string[] = [];
    const undo = undoStack();
    undo.push('database', async () => void stopped.push('database'));
    undo.push('log', () => Promise.reject(new Error('disk')));
    const failed = await undo.run();
    expect(failed.map(({ name }) => name)).toEqual(['log']);
    expect(stopped).toEqual(['database']);
  });

  it('is stopped once, however often one asks', async () => {
    let count = 0;
    const undo = undoStack();
    undo.push('log', async () => void count++);
    await Promise.all([undo.run(), undo.run()]);
    expect(count).toBe(1);
  });
});
