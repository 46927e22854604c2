import { describe, expect, it } from 'vitest';
import { lastingText, scopeText } from './scope-words.ts';

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

describe('how long an app is let in', () => {
  it.each([
    [{ accessSeconds: 600 }, 'It is let in for 10 minutes; then it asks you again.'],
    [
      { accessSeconds: 600, refreshSeconds: 12 * 3600 },
      'It is let in for 10 minutes at a time, and renews that by itself for 12 hours at most.',
    ],
    [
      { accessSeconds: 60, refreshSeconds: 30 * 86_400 },
      'It is let in for 1 minute at a time, and renews that by itself for 30 days at most.',
    ],
  ])('%o', (lasting, words) => expect(lastingText(lasting)).toBe(words));
});
