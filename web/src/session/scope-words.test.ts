import { describe, expect, it } from 'vitest';
import { scopeText } from './scope-words.ts';

describe('a scope in words', () => {
  it.each([
    ['patient/Observation.rs', 'read, search Observation of this patient'],
    ['user/*.cruds', 'create, read, change, delete, search all records of everybody you may see'],
    ['patient/Task.write', 'create, change, delete Task of this patient'],
    ['openid', 'know who you are'],
    ['*', 'everything you may do'],
    ['alarm.read', 'alarm.read'],
  ])('%s', (scope, words) => expect(scopeText(scope)).toBe(words));
});
