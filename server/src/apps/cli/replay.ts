import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { parseDeviceId, parsePatientId } from '../../domain/ids.ts';
import { createDeviceAuthority } from '../../identity/device-authority.ts';
import type { DeviceIdentity } from '../../simulation/device-client.ts';
import { enrollWorn } from '../../simulation/fleet.ts';
import type { RecordedPatient } from '../../simulation/physionet.ts';
import { readRecordedPatients } from '../../simulation/recorded-files.ts';
import { replay } from '../../simulation/replay.ts';
import { withOpenData } from '../open-data.ts';
import type { Settings } from '../settings.ts';
import { addCommand, type CommandContext, Misuse } from './command.ts';
import { progressBar } from './progress.ts';
import { numberOf, targetOf } from './simulate.ts';

interface Options {
  readonly patients: string;
  readonly speed: string;
}

/** `healthsync replay`: recorded patients lie here as if it were now. */
export function register(program: Command, context: CommandContext): void {
  addCommand<[string], Options>(
    program,
    {
      usage: 'replay <path>',
      description: 'replay PhysioNet 2019 (.psv) and 2012 (.txt) patients: a file, a folder or a .tar.gz',
      configure: (command) =>
        command
          .option('--patients <n>', 'at most this many, in the order of their names', '40')
          .option('--speed <s>', 'recorded minutes per minute: 60 plays an hour in a minute', '60'),
      async run(of, options, path) {
        const settings = of.settings();
        const limit = numberOf('--patients', options.patients, { min: 1, max: 10_000 });
        const speed = numberOf('--speed', options.speed, { min: 0.01, max: 1_000_000 });
        if (!existsSync(path)) throw new Misuse('path', `${path} is not there`);
        const recorded = readRecordedPatients(path, limit);
        if (recorded.length === 0)
          throw new Misuse('path', `${path} holds no PhysioNet patient (.psv of 2019 or .txt of 2012)`);
        const target = targetOf(settings);
        const patients = await enrollAll(of, settings, recorded);
        const bar = progressBar((text) => process.stderr.write(text), process.stderr.isTTY);
        const result = await replay({
          target,
          patients,
          speed,
          signal: untilInterrupted(),
          onProgress: ({ sent, total, recordedMinute }) =>
            bar.update(`hour ${(recordedMinute / 60).toFixed(1)}`, sent, total),
        });
        bar.end();
        const { sent, acknowledged, total } = result;
        return {
          json: { patients: patients.length, sent, acknowledged, total },
          text: `${patients.length} patients: ${sent} of ${total} readings sent, ${acknowledged} acknowledged`,
          failed: acknowledged < sent,
        };
      },
    },
    context,
  );
}

async function enrollAll(
  { now }: CommandContext,
  settings: Settings,
  recorded: readonly RecordedPatient[],
): Promise<readonly { readonly identity: DeviceIdentity; readonly recorded: RecordedPatient }[]> {
  return withOpenData(settings, now, async ({ registry, authorities }) => {
    const authority = createDeviceAuthority((await authorities()).devices, now);
    const patients: { readonly identity: DeviceIdentity; readonly recorded: RecordedPatient }[] = [];
    for (const one of recorded) {
      const patientId = parsePatientId(one.patientId);
      const deviceId = parseDeviceId(`replay-${one.patientId}`);
      if (patientId === undefined || deviceId === undefined)
        throw new Misuse('path', `a file named ${one.patientId} gives no id`);
      if ((await registry.findPatient(patientId)) === undefined) await registry.putPatient({ id: patientId });
      const nowMs = now();
      const identity = await enrollWorn({ registry, authority, deviceId, patientId, nowMs, fromMs: nowMs - 60_000 });
      patients.push({ identity, recorded: one });
    }
    return patients;
  });
}

function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  // Every wait of a long replay listens to it, one after the other.
  setMaxListeners(0, controller.signal);
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}
