import { describe, expect, it } from 'vitest';
import { Failure } from '../ports/failure.ts';
import { createLog, type LogFields } from './log.ts';

const CANARY = 'Canary-Jane-Doe-4711';

function capture() {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  return { log, text: () => lines.join(''), last: () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown> };
}

describe('the log', () => {
  it('writes one JSON object a line with time, level, message and the fields that are allowed', () => {
    const { log, last } = capture();
    log.warn('a delivery failed', { code: 'timeout', attempt: 3, deviceId: 'D1' });
    expect(last()).toMatchObject({
      level: 40,
      message: 'a delivery failed',
      code: 'timeout',
      attempt: 3,
      deviceId: 'D1',
    });
    expect(last()['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('drops every field that is not on the list and says which, without its value', () => {
    const { log, text, last } = capture();
    const slip = { code: 'x', patientId: CANARY, name: CANARY, payload: { mrn: CANARY }, heartRate: 171.4375 };
    log.info('slipped', slip as unknown as LogFields);
    expect(text()).not.toContain(CANARY);
    expect(text()).not.toContain('171.4375');
    expect(last()['omitted']).toEqual(['patientId', 'name', 'payload', 'heartRate']);
  });

  it('drops an object under an allowed name: only strings, numbers and booleans pass', () => {
    const { log, text } = capture();
    log.info('slipped', { deviceId: { familyName: CANARY } } as unknown as LogFields);
    expect(text()).not.toContain(CANARY);
  });

  it('withholds what foreign errors quote, at every depth of their causes', () => {
    const { log, text, last } = capture();
    const parse = attempt(() => JSON.parse(`{"name":"${CANARY}`));
    const database = Object.assign(new Error(`Key (patient_id)=(${CANARY}) exists\n    at ${CANARY}`), {
      code: '23505',
    });
    log.error('failed', {
      error: new Failure('database-rejected', 'the alarm store refused', { retryable: false, cause: database }),
    });
    log.error('failed', { error: parse });
    log.error('failed', { error: new Error(CANARY, { cause: new Error(CANARY, { cause: parse }) }) });
    log.error('failed', { error: CANARY });
    expect(text()).not.toContain(CANARY);
    expect(text()).toContain('23505');
    expect(text()).toContain('the alarm store refused');
    expect(last()['error']).toEqual({ type: 'string' });
  });

  it('says where an error came from', () => {
    const { log, last } = capture();
    log.error('failed', { error: new TypeError('x') });
    const error = last()['error'] as { type: string; at: string[] };
    expect(error.type).toBe('TypeError');
    expect(error.at[0]).toContain('log.test.ts');
  });

  it('refuses an interpolated message at compile time', () => {
    const { log, text } = capture();
    const name: string = 'x';
    // @ts-expect-error a message with a hole could carry anything
    log.info(`hello ${name}`);
    // @ts-expect-error so could a variable
    log.info(name);
    expect(text()).toContain('hello');
  });
});

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
