import { describe, expect, it } from 'vitest';
import { CHANNEL_TYPES } from './channel.ts';
import { allows, defaultPolicy, MESSAGE_LEVELS, policyProblems } from './message-policy.ts';

it('each level allows what is at or below it', () => {
  for (const [i, level] of MESSAGE_LEVELS.entries())
    for (const [j, least] of MESSAGE_LEVELS.entries()) expect(allows(level, least)).toBe(i >= j);
});

describe('as installed', () => {
  it.each(CHANNEL_TYPES)('%s says bed and priority only, is not confidential, and breaks no rule', (type) => {
    const policy = defaultPolicy(type);
    expect(policy).toMatchObject({ level: 'minimal', confidential: false });
    expect(policyProblems(type, policy)).toEqual([]);
  });
  it('machines get every message, people summaries', () => {
    expect(CHANNEL_TYPES.filter((type) => defaultPolicy(type).summarises)).toEqual([
      'smtp',
      'web-push',
      'slack',
      'teams',
      'sms',
      'whatsapp',
    ]);
  });
});

describe('a policy is refused', () => {
  const codes = (...[type, over]: [Parameters<typeof defaultPolicy>[0], Partial<ReturnType<typeof defaultPolicy>>]) =>
    policyProblems(type, { ...defaultPolicy(type), ...over }).map(({ code }) => code);
  it('that says names on a channel that is not confidential', () => {
    expect(codes('smtp', { level: 'rich' })).toEqual(['not-confidential']);
    expect(codes('smtp', { level: 'rich', confidential: true })).toEqual([]);
    expect(codes('smtp', { level: 'detailed' })).toEqual([]);
  });
  it('that sums up for a machine, or wants answers where none come back; all problems at once', () =>
    expect(codes('webhook', { level: 'rich', summarises: true, answers: true })).toEqual([
      'not-confidential',
      'not-for-machines',
      'no-way-to-answer',
    ]));
});
