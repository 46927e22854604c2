import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { readDefinition } from './definitions.ts';

const FOLDER = join(import.meta.dirname, 'definitions');
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.asl.json'))
  .map((name) => name.slice(0, -'.asl.json'.length));

describe.each(NAMES)('the definition %s', (name) => {
  const source = readFileSync(join(FOLDER, `${name}.asl.json`), 'utf8');

  it('is one that Step Functions takes, says asl-validator', () => {
    const { isValid, errorsText } = validate(JSON.parse(source));
    expect(errorsText()).toBe('');
    expect(isValid).toBe(true);
  });

  it('is one that our engine takes', () => {
    expect(readDefinition({ name, source }).resources.length).toBeGreaterThan(0);
  });
});

it('some definition is shipped', () => expect(NAMES).not.toEqual([]));
