import { flushCompileCache } from 'node:module';
import type { Command } from 'commander';
import { createLog } from '../../telemetry/log.ts';
import { startAllInOne } from '../all-in-one.ts';
import { endOnWhatNobodyCaught } from '../last-resort.ts';
import { giveBackMemory, letMemoryDouble } from '../v8-memory.ts';
import { addCommand, type CommandContext, EXIT, report } from './command.ts';

/** `healthsync start`: serves until it is told to stop. */
export function register(program: Command, context: CommandContext): void {
  addCommand(
    program,
    {
      usage: 'start',
      description: 'start the server; stops cleanly on SIGTERM and SIGINT',
      async run(of) {
        const settings = of.settings();
        const log = createLog({ level: settings.logLevel });
        endOnWhatNobodyCaught(log, EXIT.failed);
        // Before anybody can connect, who would have to wait for it.
        giveBackMemory();
        letMemoryDouble();
        const running = await startAllInOne(settings, log);
        // Not only at the end: whoever is killed starts again, and then it counts.
        flushCompileCache();
        if (running.setupLink !== undefined)
          context.tell(`\n  First account (one use, 24 hours): ${running.setupLink}\n`);
        stopOnSignal(async () => {
          const failed = await running.stop();
          for (const { name, error } of failed)
            report(error, { ...context, tell: (text) => context.tell(`${name}: ${text}`) }, false);
          return failed.length === 0 ? EXIT.done : EXIT.failed;
        });
        void running.broken.then((error) => {
          // Nothing more may be acknowledged, and nobody knows what the disk holds: end at once, let the start recover.
          context.tell(`healthsync: the reading log cannot be written: ${error.message}`);
          process.exit(EXIT.failed);
        });
        // The one line on stdout (the public interface): whoever started us waits for it.
        return { json: { ready: true, https: running.https, mqtts: running.mqtts }, text: readyLine(running) };
      },
    },
    context,
  );
}

function readyLine({ https, mqtts }: { readonly https: string; readonly mqtts: string }): string {
  return JSON.stringify({ ready: true, https, mqtts });
}

function stopOnSignal(stop: () => Promise<number>): void {
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, async () => {
      // The second one is meant: somebody does not want to wait.
      if (isStopping) process.exit(EXIT.failed);
      isStopping = true;
      process.exit(await stop());
    });
}
