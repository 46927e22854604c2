import { describe, expect, it } from 'vitest';
import type { AssignedReading } from '../../domain/reading.ts';
import type { AppendAsker } from '../../ports/reading-log.ts';
import { readingOf } from '../../ports/test-reading.ts';
import { RecentReadings } from './recent-readings.ts';

/** A log that answers when it is told to. */
function setUp() {
  const asked: { readonly reading: AssignedReading; readonly asker: AppendAsker }[] = [];
  const log = {
    throws: undefined as Error | undefined,
    append(reading: AssignedReading, asker: AppendAsker): void {
      if (log.throws) throw log.throws;
      asked.push({ reading, asker });
    },
  };
  const recent = new RecentReadings();
  const heard: string[] = [];
  const keep = (name: string, reading: AssignedReading, onKept?: () => void) =>
    recent.keepOnce(log, reading, {
      kept(how) {
        heard.push(`${name} ${how}`);
        onKept?.();
      },
      notKept: (error) => heard.push(`${name} not kept: ${(error as Error).message}`),
    });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { asked, log, heard, keep, settled };
}
const POSITION = { partition: 0, offset: 0 };
const of = (i: number): AssignedReading => ({ ...readingOf(i, 'P-1'), deviceId: readingOf(0, 'P-1').deviceId });

describe('a reading that comes again while it is on its way', () => {
  it('is asked for once, and shares the fate of the first, in the order in which they came', () => {
    const { asked, heard, keep } = setUp();
    keep('first', of(1));
    keep('second', of(1));
    keep('third', of(1));
    expect(asked).toHaveLength(1);
    asked[0]?.asker.stored(POSITION);
    expect(heard).toEqual(['first stored', 'second duplicate', 'third duplicate']);
  });

  it('is not called a duplicate where the first was refused, and is asked for anew the next time', () => {
    const { asked, heard, keep } = setUp();
    keep('first', of(1));
    keep('second', of(1));
    asked[0]?.asker.refused(new Error('full'));
    expect(heard).toEqual(['first not kept: full', 'second not kept: full']);
    keep('third', of(1));
    expect(asked).toHaveLength(2);
  });

  it('is found among many, whichever of them are answered first', async () => {
    const { asked, heard, keep, settled } = setUp();
    for (let i = 0; i < 5; i++) keep(`${i}`, of(i));
    for (const i of [2, 0, 4, 1]) asked[i]?.asker.stored(POSITION);
    for (let i = 0; i < 5; i++) keep(`${i} again`, of(i));
    expect(asked).toHaveLength(5);
    asked[3]?.asker.stored(POSITION);
    await settled();
    expect(heard.sort()).toEqual([0, 1, 2, 3, 4].flatMap((i) => [`${i} stored`, `${i} again duplicate`]).sort());
  });

  it('is never answered before whoever asks has asked', async () => {
    const { asked, heard, keep, settled } = setUp();
    keep('first', of(1));
    asked[0]?.asker.stored(POSITION);
    keep('second', of(1));
    expect(heard).toEqual(['first stored']);
    await settled();
    expect(heard).toEqual(['first stored', 'second duplicate']);
  });

  it('may be followed by the next from within the answer', () => {
    const { asked, heard, keep } = setUp();
    keep('first', of(1), () => keep('next', of(2)));
    asked[0]?.asker.stored(POSITION);
    expect(asked).toHaveLength(2);
    asked[1]?.asker.stored(POSITION);
    expect(heard).toEqual(['first stored', 'next stored']);
  });

  it('is asked for anew where the log threw over the first', () => {
    const { asked, log, heard, keep } = setUp();
    log.throws = new Error('a defect');
    expect(() => keep('first', of(1))).toThrow('a defect');
    log.throws = undefined;
    keep('second', of(1));
    expect(asked).toHaveLength(1);
    asked[0]?.asker.stored(POSITION);
    expect(heard).toEqual(['second stored']);
  });

  it('hears what became of it also where whoever asked first throws over the answer', () => {
    const { asked, heard, keep } = setUp();
    keep('first', of(1), () => {
      throw new Error('a defect');
    });
    keep('second', of(1));
    try {
      asked[0]?.asker.stored(POSITION);
    } catch {}
    expect(heard).toEqual(['first stored', 'second duplicate']);
  });
});
