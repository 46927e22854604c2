import { describe, expect, it } from 'vitest';
import { covers, everyScope, parseFhirScope } from './scope.ts';

describe('a scope', () => {
  it.each([
    ['patient/Observation.rs', { context: 'patient', resource: 'Observation', may: 'rs' }],
    ['user/*.cruds', { context: 'user', resource: '*', may: 'cruds' }],
    ['system/Patient.read', { context: 'system', resource: 'Patient', may: 'rs' }],
    ['patient/Device.write', { context: 'patient', resource: 'Device', may: 'cud' }],
    ['user/Task.*', { context: 'user', resource: 'Task', may: 'cruds' }],
  ])('%s is read as SMART means it', (scope, meaning) => {
    expect(parseFhirScope(scope)).toEqual(meaning);
  });

  it.each(['patient/Observation.', 'patient/Observation.sr', 'patient/Observation.rr', 'patient/observation.r'])(
    '%s is none',
    (scope) => expect(parseFhirScope(scope)).toBeUndefined(),
  );
  it.each(['launch', 'openid', 'alarm.*', 'device/*.r', 'patient/*.x', 'patient/Observation.r/../x', ''])(
    '%s is none of data',
    (scope) => expect(parseFhirScope(scope)).toBeUndefined(),
  );

  it('covers what is narrower, and nothing else', () => {
    const granted = ['patient/*.rs', 'user/Task.cruds', 'alarm.*'];
    for (const asked of ['patient/Observation.r', 'patient/*.s', 'patient/Patient.read', 'user/Task.c', 'alarm.read'])
      expect(covers(granted, asked), asked).toBe(true);
    for (const asked of [
      'patient/Observation.c',
      'user/Observation.r',
      'system/*.r',
      'user/*.r',
      '*',
      'user.write',
      'openid',
    ])
      expect(covers(granted, asked), asked).toBe(false);
  });

  it('that can be asked for is one we understand', () => {
    const data = everyScope().filter((scope) => /^(patient|user|system)\//.test(scope));
    expect(data.filter((scope) => parseFhirScope(scope) === undefined)).toEqual([]);
    expect(new Set(everyScope()).size).toBe(everyScope().length);
  });
});
