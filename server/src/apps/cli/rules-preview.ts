import { readFile } from 'node:fs/promises';
import type { AlarmBurdenComparison } from '@healthsync/contracts/alarm-burden';
import { PostgresReadingArchive } from '../../adapters/postgres/reading-archive.ts';
import { burdenJob } from '../../analytics/alarm-burden-job.ts';
import { runAlarmBurden } from '../../analytics/alarm-burden-run.ts';
import { parseWardId } from '../../domain/ids.ts';
import { changeRules } from '../../domain/rule-change.ts';
import { showComparison } from '../../serve/alarm-burden-shape.ts';
import { ownRules, readRuleChain } from '../../serve/rule-chain.ts';
import { type RuleFileSet, readRuleFile } from '../../serve/rule-file.ts';
import { recordedDatasets } from '../../simulation/recorded-datasets.ts';
import {
  type Answer,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withExistingData,
} from './command.ts';

export interface PreviewOptions {
  readonly ward: string;
  readonly days: string;
}

/** What the rules of a file would have meant for a ward: its own set, or else the house's. */
export async function previewRules(context: CommandContext, options: PreviewOptions, file: string): Promise<Answer> {
  const wardId = required('--ward', parseWardId(options.ward), ID_EXPECTED);
  const days = Number(options.days);
  if (!/^\d{1,2}$/.test(options.days) || days < 1 || days > 14) throw new Misuse('--days', 'expected 1 to 14');
  const read = readRuleFile(await readFile(file, 'utf8'));
  if (read.kind === 'invalid')
    throw new Refusal(read.errors.map(({ field, code, detail }) => `${field}: ${code}: ${detail}`).join('\n'));
  const { place, rules } = setFor(read.sets, wardId);
  return withExistingData(context, async ({ registry, ruleSets, database }) => {
    const nowMs = context.now();
    const snapshot = await registry.snapshot();
    if (!snapshot.wards.some(({ id }) => id === wardId)) throw new Refusal(`No ward ${wardId}.`);
    const chain = await readRuleChain(ruleSets, place, undefined, nowMs);
    const change = changeRules({ own: ownRules(chain), requested: rules, inherited: chain.inherited });
    if (change.kind === 'refused')
      throw new Refusal(change.problems.map(({ field, code, detail }) => `${field}: ${code}: ${detail}`).join('\n'));
    const { job, hasOverrides } = burdenJob({ place, rules, on: { wardId, days } }, snapshot, nowMs);
    let toldTenths = 0;
    const answer = await runAlarmBurden(job, {
      archive: new PostgresReadingArchive(database),
      datasets: recordedDatasets(undefined),
      monotonicMs: () => performance.now(),
      onProgress({ share, readings }) {
        if (Math.floor(share * 10) <= toldTenths) return;
        toldTenths = Math.floor(share * 10);
        context.tell(`${toldTenths * 10} %, ${readings} readings`);
      },
    });
    if (answer === undefined) throw new Refusal('There is nothing to try them on.');
    const about = {
      revision: chain.own.revision,
      hasOverrides,
      isNoChange: change.put.length + change.remove.length + change.wait.length === 0,
    };
    const comparison = showComparison(answer, about, true);
    return { json: comparison, text: textOf(comparison) };
  });
}

function setFor(sets: readonly RuleFileSet[], wardId: string): RuleFileSet {
  const own = sets.find(({ place }) => place.scope === 'ward' && place.wardId === wardId);
  const found = own ?? sets.find(({ place }) => place.scope === 'house');
  if (found === undefined) throw new Refusal(`The file has no rules of ward ${wardId}, nor of the house.`);
  return found;
}

function textOf({ basis, before, after, sustained, warnings }: AlarmBurdenComparison): string {
  const line = (name: string, was: number | string, is: number | string) =>
    `${name.padEnd(34)} ${String(was).padStart(10)} ${String(is).padStart(10)}`;
  const delay = (ms: number | undefined) => (ms === undefined ? '-' : `${ms / 1_000} s`);
  return [
    `${basis.patients} patients, ${basis.patientDays} patient-days, ${basis.readings} readings, from ${basis.from} to ${basis.to}`,
    line('', 'before', 'after'),
    line('alarms per patient-day', before.alarmsPerPatientDay.all, after.alarmsPerPatientDay.all),
    line('  high', before.alarmsPerPatientDay.high, after.alarmsPerPatientDay.high),
    line('  medium', before.alarmsPerPatientDay.medium, after.alarmsPerPatientDay.medium),
    line('  low', before.alarmsPerPatientDay.low, after.alarmsPerPatientDay.low),
    line('technical per patient-day', before.technical.perPatientDay, after.technical.perPatientDay),
    line('minutes in alarm per patient-day', before.minutesInAlarmPerPatientDay, after.minutesInAlarmPerPatientDay),
    line(`sustained events missed, of ${sustained.events}`, sustained.before.missed, sustained.after.missed),
    line('longest delay', delay(sustained.before.delayMs?.max), delay(sustained.after.delayMs?.max)),
    `newly missed ${sustained.newlyMissed}, later than before ${sustained.delayed}, less urgent ${sustained.lessUrgent}`,
    ...warnings.map(({ code, detail }) => `warning: ${code}: ${detail}`),
  ].join('\n');
}
