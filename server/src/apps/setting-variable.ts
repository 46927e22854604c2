import type { TSchemaOptions } from 'typebox';

/** What the tables of settings add to JSON Schema. */
export interface SettingOptions {
  readonly variable: string;
  /** For a person; derived from the schema where absent. */
  readonly expected?: string;
  /** May hold a password or key: never shown, and readable from the file named by `<variable>_FILE`. */
  readonly secret?: true;
}

export function variable(name: string, expected?: string): SettingOptions & TSchemaOptions {
  return expected === undefined ? { variable: name } : { variable: name, expected };
}
