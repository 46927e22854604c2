import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import type { AuditEntry } from '../../domain/audit-entry.ts';
import type { PatientId } from '../../domain/ids.ts';
import { Failure } from '../../ports/failure.ts';
import type { OpenData } from '../open-data.ts';
import { type Environment, type Settings, type SettingsOutcome, settingsOfProcess } from '../settings.ts';
import type { CalledCommand } from './audited-command.ts';

/**
 * What every command shares: `--json` and `--data`, one answer on stdout, one line on stderr when it did not work, and
 * the exit codes 0 (done), 1 (could not be done) and 2 (asked for wrongly).
 */
export function addCommand<Arguments extends readonly string[], Options extends object>(
  parent: Command,
  spec: {
    /** As commander writes it: `enroll <device>`. */
    readonly usage: string;
    readonly description: string;
    configure?(command: Command): void;
    /** Its arguments as given, then its options. */
    run(context: CommandContext, options: Options, ...given: Arguments): Promise<Answer>;
  },
  context: CommandContext,
): Command {
  const command = parent.command(spec.usage).description(spec.description);
  spec.configure?.(command);
  command.option('--data <folder>', 'the data folder (HEALTHSYNC_DATA, ./data)');
  command.option('--json', 'answer as one line of JSON');
  return command.action(async (...all: unknown[]) => {
    const given = all.slice(0, -2) as unknown as Arguments; // then the options and the command itself
    const options = command.opts<Options & CommonOptions>();
    const called = { name: nameOf(command), given, options: options as Readonly<Record<string, unknown>> };
    const answer = await spec.run({ ...onFolder(context, options.data), command: called }, options, ...given);
    context.print(options.json === true ? JSON.stringify(answer.json) : answer.text);
    if (answer.failed === true) {
      if (context.failed === undefined) process.exitCode = EXIT.failed;
      else context.failed();
    }
  });
}

export interface CommandContext {
  readonly now: () => number;
  /** One answer, on stdout. */
  print(text: string): void;
  /** Progress and hints, on stderr. */
  tell(text: string): void;
  /** What is piped in, where it is not the process's own. */
  readonly stdin?: Readable;
  /** The answer is bad news: where nobody listens, the process ends with it. */
  failed?(): void;
  /** What was called, for the audit log. */
  readonly command?: CalledCommand;
  /** The checked settings; variables given here count instead of the environment's. Throws `Misuse` naming every error. */
  settings(overrides?: Readonly<Record<string, string | undefined>>): Settings;
}

/**
 * Runs with the installation's data open. The database's libraries are loaded only now: help, and a slip in an option,
 * shall be answered at once.
 */
export async function withData<T>(context: CommandContext, use: (data: OpenData) => Promise<T>): Promise<T> {
  const settings = context.settings();
  const { withOpenData } = await import('../open-data.ts');
  return withOpenData(settings, context.now, async (data) => {
    if (context.command === undefined) return use(data);
    const { auditedCommand } = await import('./audited-command.ts');
    const { dataFolder } = settings;
    const parts = { database: data.database, dataFolder, now: context.now, command: context.command };
    return auditedCommand(
      {
        ...parts,
        detailOf: (result: T) => (result as Partial<Answer>)?.audited,
        patientOf: (result: T) => (result as Partial<Answer>)?.patientId,
        // What was answered with bad news is on record as that, whoever reads the log did not see the answer.
        hasFailed: (result: T) => (result as Partial<Answer>)?.failed === true,
        deniedBy: (error) => (error instanceof Denial ? error.audited : undefined),
      },
      () => use(data),
    );
  });
}

/**
 * The same for what only looks, or changes what must be there already: a slip in `--data` is told, instead of answered
 * from a new and empty installation.
 */
export async function withExistingData<T>(context: CommandContext, use: (data: OpenData) => Promise<T>): Promise<T> {
  const { databaseUrl, dataFolder } = context.settings();
  if (databaseUrl === undefined && !existsSync(join(dataFolder, 'postgres')))
    throw new Refusal(`there is no installation in ${dataFolder}; --data or HEALTHSYNC_DATA names its folder`);
  return withData(context, use);
}

export interface Answer {
  /** What `--json` prints. Its fields are part of the public interface: scripts read them. */
  readonly json: unknown;
  /** For a person. */
  readonly text: string;
  /** Answered, but the answer is bad news: exit code 1. */
  readonly failed?: boolean;
  /** What of it belongs into the audit log besides. */
  readonly audited?: NonNullable<AuditEntry['detail']>;
  /** Whom it turned out to be about. */
  readonly patientId?: PatientId;
}

interface CommonOptions {
  readonly data?: string;
  readonly json?: boolean;
}

export const EXIT = { done: 0, failed: 1, misuse: 2 } as const;

/** The command was asked for wrongly: `option` says where. Exit code 2. */
export class Misuse extends Error {
  readonly option: string;

  constructor(option: string, expected: string) {
    super(`${option}: ${expected}`);
    this.option = option;
  }
}

/** The command was asked for rightly and cannot be done. Exit code 1. */
export class Refusal extends Error {}

/** It may not be done, whoever has a shell here: somebody whose word counts has said so. Exit code 1. */
export class Denial extends Refusal {
  /** What of it belongs into the audit log. */
  readonly audited: NonNullable<AuditEntry['detail']>;

  constructor(message: string, audited: NonNullable<AuditEntry['detail']>) {
    super(message);
    this.audited = audited;
  }
}

/** Every option that must hold an id, a time and the like: parse or say which option is wrong. */
export function required<T>(option: string, value: T | undefined, expected: string): T {
  if (value === undefined) throw new Misuse(option, expected);
  return value;
}

/** An option that says how many. */
export function count(option: string, text: string, most: number, least = 1): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  const expected = `expected a whole number from ${least} to ${most}`;
  return required(option, number >= least && number <= most ? number : undefined, expected);
}

export const ID_EXPECTED = 'expected up to 64 letters, digits and . _ -, not beginning with a dot';

/** `more` counts before the environment of the process. */
export function createContext(more: Environment = {}): CommandContext {
  return {
    now: Date.now,
    print: (text) => process.stdout.write(`${forTerminal(text)}\n`),
    tell: (text) => process.stderr.write(`${forTerminal(text)}\n`),
    settings: (overrides) => settingsOrMisuse(settingsOfProcess({ ...more, ...overrides })),
  };
}

/**
 * A file that somebody sent is quoted where it is wrong: what would move the cursor, colour or rename a terminal is
 * written as JSON writes it (CWE-150). JSON stays what it was.
 */
export function forTerminal(text: string): string {
  const written = (control: string) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(/(?![\n\t])\p{Cc}/gu, written);
}

/** Says what went wrong, in one line, and answers with the exit code. */
export function report(error: unknown, context: CommandContext, isJson: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done; // --help and --version
  if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.misuse; // the help was shown
  const shown = shownError(error);
  context.tell(isJson ? JSON.stringify({ error: shown }) : `healthsync: ${shown.message}`);
  return shown.code === 'misuse' ? EXIT.misuse : EXIT.failed;
}

function shownError(error: unknown): { readonly code: string; readonly option?: string; readonly message: string } {
  if (error instanceof Misuse) return { code: 'misuse', option: error.option, message: error.message };
  if (error instanceof CommanderError) return shownByCommander(error);
  if (error instanceof Failure) return { code: error.code, message: error.message };
  if (error instanceof Refusal) return { code: 'refused', message: error.message };
  const { code, syscall, path, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  if (syscall === 'listen') return { code: 'refused', message: `Port ${port} ${whyNotOpened(code)}.` };
  // A file that cannot be read or written: its path is the answer, a stack is not.
  if (syscall !== undefined) return { code: 'refused', message: `${path ?? syscall}: ${code}` };
  return { code: 'defect', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function whyNotOpened(code: string | undefined): string {
  const others = 'HEALTHSYNC_MQTT_PORT and HEALTHSYNC_HTTPS_PORT choose others';
  switch (code) {
    case 'EADDRINUSE':
      return `is in use by another program; ${others}`;
    case 'EACCES':
      return `may not be opened by this account; ${others}`;
    case 'EADDRNOTAVAIL':
      return 'cannot be opened, because HEALTHSYNC_HOST is not an address of this machine';
    default:
      return `cannot be opened: ${code}`;
  }
}

/** `error: required option '--patient <id>' not specified` and the like: one line, with what is at fault by itself. */
function shownByCommander({ code, message: text }: CommanderError) {
  // Ids and the names of keys may begin with a dash: of random ones, one in sixty-four does.
  const hint = code === 'commander.unknownOption' ? '; a value that begins with a dash goes after --' : '';
  const message = text.replace(/^error: /, '').replaceAll('\n', ' ') + hint;
  const option = /'(--?[a-z][a-z-]*|[a-z-]+)/.exec(message)?.[1];
  return { code: 'misuse', ...(option !== undefined && { option }), message };
}

function settingsOrMisuse(outcome: SettingsOutcome): Settings {
  if (outcome.kind === 'ok') return outcome.settings;
  const lines = outcome.errors.map(({ variable, problem }) => `${variable} ${problem}`);
  throw new Misuse('settings', lines.join('; '));
}

/** `device enroll` */
function nameOf(command: Command): string {
  const parent = command.parent;
  return parent === null || parent.parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function onFolder(context: CommandContext, data: string | undefined): CommandContext {
  if (data === undefined) return context;
  return { ...context, settings: (overrides) => context.settings({ HEALTHSYNC_DATA: data, ...overrides }) };
}
