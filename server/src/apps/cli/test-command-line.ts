import { Readable } from 'node:stream';
import { createContext } from './command.ts';
import { runCommandLine } from './command-line.ts';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * A command in this process: everything from its arguments to its exit code, without the second that a process of its
 * own takes to load what it needs. That it does the same as a program, `cli.test.ts` shows.
 */
export async function runHere(
  args: readonly string[],
  more: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await runCommandLine(args, {
    ...createContext(more.env),
    stdin: Readable.from([more.input ?? '']),
    print: (text) => {
      out += `${text}\n`;
    },
    tell: (text) => {
      err += `${text}\n`;
    },
  });
  return { code, out, err };
}
