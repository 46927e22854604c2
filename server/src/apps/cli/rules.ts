import { readFile } from 'node:fs/promises';
import type { RuleFile } from '@healthsync/contracts/rule';
import type { Command } from 'commander';
import { parsePatientId, parseWardId } from '../../domain/ids.ts';
import type { RuleProblem } from '../../domain/lint-edges.ts';
import { lintRules } from '../../domain/rule-lint.ts';
import type { PatientPlace } from '../../ports/registry.ts';
import type { RulePlace } from '../../ports/rule-sets.ts';
import { ownRules, type RuleChain, readRuleChain, scopeIdOf } from '../../serve/rule-chain.ts';
import { lintRuleFile, type RuleFileSet, readRuleFile } from '../../serve/rule-file.ts';
import { writeRule } from '../../serve/rule-shape.ts';
import { writeRules } from '../../serve/rule-writing.ts';
import type { OpenData } from '../open-data.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  ID_EXPECTED,
  Misuse,
  Refusal,
  required,
  withData,
  withExistingData,
} from './command.ts';
import type { PreviewOptions } from './rules-preview.ts';

/** `healthsync rules …`: alarm rules as files, checked before they are used, and as they hold. */
export function register(program: Command, context: CommandContext): void {
  const rules = program.command('rules').description('alarm rules of the house, wards and patients');
  addCommand<string[], object>(
    rules,
    {
      usage: 'lint [file]',
      description:
        'find what is wrong or doubtful in a file of rules or, without one, in the rules of this installation',
      run: (given, _, ...[file]) => (file === undefined ? lintData(given) : lintFile(file)),
    },
    context,
  );
  const placed = (command: Command) =>
    command.option('--ward <id>', 'of this ward').option('--patient <id>', 'of this patient');
  addCommand<[], PlaceOptions>(
    rules,
    {
      usage: 'list',
      description: 'the rules that hold there, and where each comes from',
      configure: placed,
      run: list,
    },
    context,
  );
  addCommand<[], PlaceOptions>(
    rules,
    {
      usage: 'export',
      description: 'own rules as a file, of everyone or of one ward or patient',
      configure: placed,
      run: exportRules,
    },
    context,
  );
  addCommand<[string], { readonly reason: string }>(
    rules,
    {
      usage: 'import <file>',
      description: 'replace the rules of every place in the file; loosening a critical one waits for a second person',
      configure: (command) => command.requiredOption('--reason <text>', 'why, kept with every change'),
      run: importRules,
    },
    context,
  );
  addCommand<[string], PreviewOptions>(
    rules,
    {
      usage: 'preview <file>',
      description: 'what the rules of a file would have rung, missed and delayed in the last days of a ward',
      configure: (command) =>
        command
          .requiredOption('--ward <id>', 'on the patients of this ward')
          .option('--days <number>', 'the last so many days', '7'),
      // Loaded only now, like everything that needs the database.
      run: async (...given) => (await import('./rules-preview.ts')).previewRules(...given),
    },
    context,
  );
}

interface PlaceOptions {
  readonly ward?: string;
  readonly patient?: string;
}

async function lintFile(file: string): Promise<Answer> {
  const read = readRuleFile(await readFile(file, 'utf8'));
  return answerOf(
    read.kind === 'invalid'
      ? read.errors.map((error) => ({ severity: 'error' as const, ...error }))
      : lintRuleFile(read.sets),
  );
}

async function lintData(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const found: Finding[] = [];
    for (const chain of await chainsWithOwn(data, context.now())) {
      const name = nameOf(chain.place);
      for (const problem of lintRules(ownRules(chain), chain))
        found.push({ ...problem, field: `${name} ${problem.field}` });
    }
    return answerOf(found);
  });
}

interface Finding extends Omit<RuleProblem, 'code'> {
  readonly code: string;
}

function answerOf(findings: readonly Finding[]): Answer {
  const lines = findings.map(({ severity, code, field, detail }) => `${severity}: ${field}: ${code}: ${detail}`);
  return {
    json: { findings },
    text: lines.length === 0 ? 'Nothing found.' : lines.join('\n'),
    failed: findings.some(({ severity }) => severity === 'error'),
  };
}

async function list(context: CommandContext, options: PlaceOptions): Promise<Answer> {
  const place = placeOf(options) ?? { scope: 'house' };
  return withExistingData(context, async (data) => {
    const { shown } = await chainOf(data, place, context.now());
    const lines = shown.inForce.map(({ rule, origin }) => {
      const { id, kind, priority, off } = rule;
      return `${id.padEnd(32)} ${kind.padEnd(12)} ${off === true ? 'off' : priority.padEnd(7)} ${origin.scope} v${origin.version}`;
    });
    return { json: { rules: shown.inForce }, text: lines.join('\n') };
  });
}

async function exportRules(context: CommandContext, options: PlaceOptions): Promise<Answer> {
  const place = placeOf(options);
  return withExistingData(context, async (data) => {
    const nowMs = context.now();
    const chains = place === undefined ? await chainsWithOwn(data, nowMs) : [await chainOf(data, place, nowMs)];
    const file: RuleFile = {
      format: 'healthsync-rules/1',
      sets: chains.map((chain) => ({
        scope: chain.place.scope,
        ...(chain.place.scope === 'house' ? {} : { id: scopeIdOf(chain.place) }),
        rules: ownRules(chain).map(writeRule),
      })),
    };
    return { json: file, text: JSON.stringify(file, undefined, 2) };
  });
}

async function importRules(
  context: CommandContext,
  { reason }: { readonly reason: string },
  file: string,
): Promise<Answer> {
  if (reason.trim().length < 3) throw new Misuse('--reason', 'expected a few words');
  const read = readRuleFile(await readFile(file, 'utf8'));
  if (read.kind === 'invalid') throw new Refusal(inLines(read.errors));
  const errors = lintRuleFile(read.sets).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Refusal(inLines(errors));
  const secondPerson = context.settings().secondPerson ? 'needed' : 'not-needed';
  return withData(context, async (data) => {
    const done = [];
    for (const set of read.sets) done.push(await importSet(data, set, { reason, secondPerson, now: context.now }));
    const lines = done.map(({ place, revision, waiting }) => {
      const waits = waiting.length === 0 ? '' : `; waiting for a second person: ${waiting.join(', ')}`;
      return `${place}: revision ${revision}${waits}`;
    });
    return { json: { imported: done }, text: lines.join('\n') };
  });
}

async function importSet(
  data: OpenData,
  { place, rules }: RuleFileSet,
  {
    reason,
    secondPerson,
    now,
  }: { readonly reason: string; readonly secondPerson: 'needed' | 'not-needed'; readonly now: () => number },
) {
  const chain = await chainOf(data, place, now());
  const outcome = await writeRules(
    // A running server hears of it by the registry's notices.
    { ruleSets: data.ruleSets, refreshView: async () => {}, secondPerson, now },
    {
      chain,
      rules,
      who: { userId: 'command line', signature: 'command line' },
      reason,
      expectedRevision: chain.own.revision,
    },
  );
  if (outcome.kind === 'refused') throw new Refusal(`${nameOf(place)}: ${inLines(outcome.problems)}`);
  if (outcome.kind === 'changed-meanwhile') throw new Refusal(`${nameOf(place)}: somebody else is changing it.`);
  const open = await data.ruleSets.proposals({ place, open: true, limit: 500, nowMs: now() });
  return { place: nameOf(place), revision: outcome.revision, waiting: open.map(({ ruleId }) => ruleId) };
}

/** Every place that has rules of its own, the house first. */
async function chainsWithOwn(data: OpenData, nowMs: number): Promise<readonly RuleChain[]> {
  const { patients, rules } = await data.registry.snapshot();
  const known = new Map<string, PatientPlace>(patients.map((patient) => [patient.id, patient]));
  const rank = { house: 0, ward: 1, patient: 2 };
  const places = (rules?.sets ?? [])
    .filter((set) => set.rules.length > 0)
    .map(({ place }) => place)
    .sort((a, b) => rank[a.scope] - rank[b.scope] || scopeIdOf(a).localeCompare(scopeIdOf(b)));
  return Promise.all(places.map((place) => readRuleChain(data.ruleSets, place, known.get(scopeIdOf(place)), nowMs)));
}

async function chainOf(data: OpenData, place: RulePlace, nowMs: number): Promise<RuleChain> {
  const { patients, wards } = await data.registry.snapshot();
  if (place.scope === 'ward' && !wards.some(({ id }) => id === place.wardId))
    throw new Refusal(`No ward ${place.wardId}.`);
  const patient = place.scope === 'patient' ? patients.find(({ id }) => id === place.patientId) : undefined;
  if (place.scope === 'patient' && patient === undefined) throw new Refusal(`No patient ${place.patientId}.`);
  return readRuleChain(data.ruleSets, place, patient, nowMs);
}

function placeOf({ ward, patient }: PlaceOptions): RulePlace | undefined {
  if (ward !== undefined && patient !== undefined) throw new Misuse('--patient', 'either a ward or a patient');
  if (ward !== undefined) return { scope: 'ward', wardId: required('--ward', parseWardId(ward), ID_EXPECTED) };
  if (patient === undefined) return undefined;
  return { scope: 'patient', patientId: required('--patient', parsePatientId(patient), ID_EXPECTED) };
}

function nameOf(place: RulePlace): string {
  return place.scope === 'house' ? 'house' : `${place.scope} ${scopeIdOf(place)}`;
}

function inLines(
  problems: readonly { readonly field: string; readonly code: string; readonly detail: string }[],
): string {
  return problems.map(({ field, code, detail }) => `${field}: ${code}: ${detail}`).join('; ');
}
