import { statfs } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Answer, addCommand, type CommandContext } from './command.ts';

/** `healthsync doctor`: what would keep this installation from working, before it does. */
export function register(program: Command, context: CommandContext): void {
  addCommand<[], object>(
    program,
    {
      usage: 'doctor',
      description: 'check ports, disk, clock, permissions, limits and the database; exit code 1 if something fails',
      run: examine,
    },
    context,
  );
}

async function examine(context: CommandContext): Promise<Answer> {
  const settings = context.settings();
  const checks = await import('./doctor-checks.ts'); // loads the database and the authorities
  const findings = [
    checks.checkNode(),
    checks.checkFiles(settings.mqttSessionsMax),
    ...(await Promise.all([
      checks.checkPermissions(settings.dataFolder),
      checks.checkDisk(settings, (path) => statfs(path)),
      checks.checkClock(settings.dataFolder, context.now()),
      checks.checkPort('MQTT port', settings.mqttPort, settings),
      checks.checkPort('HTTPS port', settings.httpsPort, settings),
    ])),
    await checks.checkDatabase(settings),
  ];
  const failed = findings.some(({ state }) => state === 'failed');
  const lines = findings.map(({ check, state, detail }) => `${MARK[state]} ${check.padEnd(14)} ${detail}`);
  return { json: { ok: !failed, findings }, text: lines.join('\n'), failed };
}

const MARK = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const;
