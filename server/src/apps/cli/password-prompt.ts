import type { Readable } from 'node:stream';
import { type CommandContext, Misuse } from './command.ts';

/** The password from the terminal, typed twice and not shown, or the first line of stdin when that is not a terminal. */
export async function readPassword(context: CommandContext): Promise<string> {
  if (context.stdin !== undefined || !process.stdin.isTTY) return firstLineOf(context.stdin ?? process.stdin);
  const password = await typed(context, 'Password: ');
  if ((await typed(context, 'Again: ')) !== password) throw new Misuse('password', 'the two are not the same');
  return password;
}

/** Far more than the longest password; whoever pipes in a disk image is told so. */
const CHARACTERS_MAX = 4096;

/** What is piped in, as far as the end of its first line. */
export async function firstLineOf(stdin: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.includes('\n') || text.length > CHARACTERS_MAX) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? '';
}

function typed(context: CommandContext, question: string): Promise<string> {
  const { stdin } = process;
  process.stderr.write(question);
  stdin.setRawMode(true).setEncoding('utf8').resume();
  return new Promise((resolve, reject) => {
    let text = '';
    const finish = (settle: () => void) => {
      stdin.off('data', onData).setRawMode(false).pause();
      context.tell('');
      settle();
    };
    const onData = (chunk: string) => {
      for (const key of chunk) {
        if (key === '\r' || key === '\n') return finish(() => resolve(text));
        if (key === CONTROL_C || key === CONTROL_D)
          return finish(() => reject(new Misuse('password', 'none was given')));
        text = key === BACKSPACE || key === DELETE ? [...text].slice(0, -1).join('') : text + key;
        if (text.length > CHARACTERS_MAX)
          return finish(() => reject(new Misuse('password', 'expected at most 256 characters')));
      }
    };
    stdin.on('data', onData);
  });
}

const CONTROL_C = '\u0003';
const CONTROL_D = '\u0004';
const BACKSPACE = '\b';
const DELETE = '\u007f';
