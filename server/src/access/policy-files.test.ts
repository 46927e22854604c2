import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lintPolicies, openPolicies, POLICY_FOLDER } from './policy-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'healthsync-policies-'));
  cpSync(POLICY_FOLDER, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const add = (text: string) => writeFileSync(join(folder, 'more.cedar'), text);

describe('policies are checked before anything starts', () => {
  it('the repository’s own hold together', () => expect(lintPolicies()).toEqual([]));

  it.each([
    [
      'an action that does not exist',
      'permit (principal, action == Action::"patient.raed", resource);',
      /patient\.raed/,
    ],
    [
      'a role attribute that does not exist',
      'permit (principal is Person, action == Action::"wall.watch", resource) when { principal.wrads.isEmpty() };',
      /wrads/,
    ],
    [
      'an optional attribute that is not asked for first',
      'permit (principal is Person, action == Action::"wall.watch", resource is Patient) when { principal.wards.contains(resource.ward) };',
      /ward/,
    ],
    [
      'a comparison of different things',
      'permit (principal is Person, action == Action::"wall.watch", resource is Ward) when { principal.tenant == resource };',
      /more/,
    ],
    ['a policy that can never hold', 'permit (principal is Device, action == Action::"wall.watch", resource);', /more/],
    ['what is no policy', 'permit (principal;', /more\.cedar/],
  ])('%s is refused', (_what, text, problem) => {
    add(`@id("more") @title("More.") ${text}`);
    expect(lintPolicies(folder).join('\n')).toMatch(problem);
    expect(() => openPolicies(folder)).toThrow();
  });
  it('a policy without a name or words for people is refused', () => {
    add('permit (principal, action == Action::"own.use", resource);');
    expect(lintPolicies(folder).join('\n')).toContain('@title');
  });
  it('one name stands once', () => {
    add('@id("nurse") @title("Another.") permit (principal is Person, action == Action::"own.use", resource);');
    expect(() => openPolicies(folder)).toThrow(/nurse stands twice/);
  });
  it('only a forbid has a way out, and one we know', () => {
    add(
      '@id("more") @title("More.") @obligation("ask-nicely") forbid (principal is Person, action == Action::"own.use", resource) when { context.program };',
    );
    expect(() => openPolicies(folder)).toThrow(/ask-nicely|@obligation/);
  });
  it('a file out of Cedar’s form is named, and does not stop anything', () => {
    const path = join(folder, 'walls.cedar');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('forbid (principal, action, resource)', 'forbid(principal,action,resource)'),
    );
    expect(lintPolicies(folder)).toEqual(['walls.cedar: not in Cedar’s own format']);
    expect(openPolicies(folder).all.size).toBe(openPolicies().all.size);
  });
});
