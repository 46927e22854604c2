import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { escalationDefinitions, escalationFiles } from './definition-files.ts';

describe('the definitions of escalation', () => {
  it.each(escalationFiles().map((file) => [file.name, file] as const))('%s is valid States Language', (_, file) => {
    const found = validate(JSON.parse(file.source));
    expect(found.isValid, found.errorsText()).toBe(true);
  });

  it('are of the subset that this engine runs, and invoke only what there is', () => {
    expect([...escalationDefinitions().keys()]).toEqual([
      'escalation-high',
      'escalation-medium',
      'escalation-technical',
    ]);
  });

  it('that are broken are refused by name and place', () => {
    const [file] = escalationFiles();
    const broken = {
      name: file?.name ?? '',
      source: (file?.source ?? '').replace('"Next": "AnsweredNurse"', '"Next": "Nowhere"'),
    };
    expect(() => escalationDefinitions([broken])).toThrow(/escalation-high is refused: .*TellNurse.*Nowhere/);
    const unknown = { ...broken, source: (file?.source ?? '').replaceAll('escalation-reread', 'reread-nothing') };
    expect(() => escalationDefinitions([unknown])).toThrow(/there is no function reread-nothing/);
  });
});
