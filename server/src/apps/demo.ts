import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authorities } from '../identity/authority.ts';
import { createDeviceAuthority } from '../identity/device-authority.ts';
import type { Registry } from '../ports/registry.ts';
import type { RuleSets } from '../ports/rule-sets.ts';
import { DEMO_WARD, demoBeds } from '../simulation/demo-ward.ts';
import type { DeviceIdentity } from '../simulation/device-client.ts';
import { enrollWorn } from '../simulation/fleet.ts';
import type { Log } from '../telemetry/log.ts';
import type { certificateTerms } from './certificate-terms.ts';

/**
 * The demo's ward: seeded into the registry once, then driven by a process of its own over mutual TLS, exactly as
 * strangers' monitors would. Answers with the way to stop it.
 */
export async function startDemo(options: {
  readonly folder: string;
  readonly mqttPort: number;
  readonly registry: Registry;
  readonly ruleSets: RuleSets;
  readonly authorities: Authorities;
  /** How long the monitors' certificates last. */
  readonly terms: ReturnType<typeof certificateTerms>;
  readonly now: () => number;
  readonly log: Log;
  /** The ward is there, and its patients are not yet measured. */
  readonly onWard: () => Promise<void>;
}): Promise<() => Promise<void>> {
  const folder = join(options.folder, 'demo');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fleetFile = join(folder, 'fleet.json');
  const isNew = !existsSync(fleetFile);
  if (isNew) {
    const fleet = await seedWard(options);
    const plan = { ca: options.authorities.servers.certificatePem, identities: fleet };
    writeFileSync(fleetFile, JSON.stringify(plan), { mode: 0o600 });
  }
  await options.onWard();
  return superviseDevices(fleetFile, isNew, options);
}

/** Before the demo began the monitors were worn already: they bring stored readings along. */
const WORN_SINCE_HOURS = 25;
/** What they bring: enough for the trends of 1 h and 6 h to show something at first sight. */
const PAST_HOURS = 6;

async function seedWard({
  registry,
  ruleSets,
  authorities,
  terms,
  now,
}: Parameters<typeof startDemo>[0]): Promise<readonly DeviceIdentity[]> {
  const authority = createDeviceAuthority(authorities.devices, now, terms);
  const nowMs = now();
  const fleet: DeviceIdentity[] = [];
  await registry.putWard(DEMO_WARD);
  for (const { bed, patient, deviceId, limits } of demoBeds()) {
    await registry.putBed(bed);
    await registry.putPatient(patient);
    const fromMs = nowMs - WORN_SINCE_HOURS * 3_600_000;
    fleet.push(await enrollWorn({ registry, authority, deviceId, patientId: patient.id, nowMs, fromMs }));
    if (limits.length > 0)
      await ruleSets.put({
        place: { scope: 'patient', patientId: patient.id },
        rules: limits,
        remove: [],
        propose: [],
        by: 'demo',
        reason: 'part of the demo',
        atMs: nowMs,
      });
  }
  return fleet;
}

function superviseDevices(
  fleetFile: string,
  withPast: boolean,
  { mqttPort, log }: Parameters<typeof startDemo>[0],
): () => Promise<void> {
  const main = join(import.meta.dirname, 'demo-devices.ts');
  let isStopping = false;
  let pastHours = withPast ? PAST_HOURS : 0;
  let child: ReturnType<typeof spawn> | undefined;
  const running = (async () => {
    while (!isStopping) {
      child = spawn(process.execPath, [main, fleetFile, String(mqttPort), String(pastHours)], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      const [exitCode] = await once(child, 'exit');
      pastHours = 0;
      if (isStopping) return;
      log.warn('the demo devices ended and are started again', { exitCode: exitCode ?? -1 });
      await sleep(RESTART_MS);
    }
  })();
  return async () => {
    isStopping = true;
    child?.kill('SIGTERM');
    await running;
  };
}

const RESTART_MS = 1_000;

/** What `demo-devices.ts` reads. */
export interface DemoFleet {
  readonly ca: string;
  readonly identities: readonly DeviceIdentity[];
}

export function readDemoFleet(file: string): DemoFleet {
  return JSON.parse(readFileSync(file, 'utf8'));
}
