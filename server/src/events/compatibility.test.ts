import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { AlarmEvent, SecurityAlertEvent } from '@healthsync/contracts/event';
import { describe, expect, it } from 'vitest';
import { ALARM_EVENT_VERSION, SECURITY_EVENT_VERSION } from './cloud-event.ts';
import { incompatibilities, type JsonSchema } from './test-compatibility.ts';

const PUBLISHED: readonly (readonly [name: string, version: number, schema: unknown])[] = [
  ['alarm-event', ALARM_EVENT_VERSION, AlarmEvent],
  ['security-alert-event', SECURITY_EVENT_VERSION, SecurityAlertEvent],
];

describe.each(PUBLISHED)('the schema of %ss', (name, version, type) => {
  const file = new URL(`../../../docs/events/${name}.v${version}.schema.json`, import.meta.url);
  const schema = JSON.parse(JSON.stringify(type)) as JsonSchema;

  it('breaks no receiver of what was published under its version', () => {
    const published = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JsonSchema) : schema;
    expect(incompatibilities(published, schema), 'make a new version instead').toEqual([]);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  });

  it('is published as it is', () => {
    expect(JSON.parse(readFileSync(file, 'utf8')), 'UPDATE_DOCS=1 writes it').toEqual(schema);
  });
});

describe('incompatibilities', () => {
  const before: JsonSchema = {
    type: 'object',
    required: ['id', 'data'],
    properties: {
      id: { type: 'string' },
      note: { type: 'string' },
      data: { type: 'object', required: ['kind'], properties: { kind: { type: 'string', enum: ['a', 'b'] } } },
    },
  };
  const change = (properties: Record<string, JsonSchema>, required = ['id', 'data']): readonly string[] =>
    incompatibilities(before, { ...before, required, properties: { ...before.properties, ...properties } });

  it('are none where fields and values are added', () => {
    expect(change({ more: { type: 'number' } }, ['id', 'data', 'more'])).toEqual([]);
    const kind = { type: 'string', enum: ['a', 'b', 'c'] };
    expect(change({ data: { type: 'object', required: ['kind'], properties: { kind } } })).toEqual([]);
  });

  it('name a field that is gone, retyped, or no longer always there', () => {
    expect(change({ data: { type: 'object', properties: {} } })).toEqual([
      'data.kind: is gone',
      'data.kind: was always there',
    ]);
    expect(change({ id: { type: 'integer' } })).toEqual(['id: was string, is integer']);
    expect(change({}, ['data'])).toEqual(['id: was always there']);
  });

  it('name a value that is no longer one', () => {
    const kind = { type: 'string', enum: ['a'] };
    expect(change({ data: { type: 'object', required: ['kind'], properties: { kind } } })).toEqual([
      'data.kind: no longer "b"',
    ]);
  });
});
