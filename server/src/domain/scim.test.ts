import { describe, expect, it } from 'vitest';
import { parseScimFilter } from './scim-filter.ts';
import { readScimPatch, scimBoolean } from './scim-patch.ts';

describe('a filter of a directory', () => {
  it.each([
    ['userName eq "anna"', { attribute: 'username', value: 'anna' }],
    ['externalId EQ "a\\"b"', { attribute: 'externalid', value: 'a"b' }],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"', { attribute: 'username', value: 'a' }],
    ['name.familyName eq ""', { attribute: 'name.familyname', value: '' }],
  ])('%s is understood', (text, meaning) => expect(parseScimFilter(text)).toEqual(meaning));

  it.each([
    'userName co "a"',
    'userName eq anna',
    'userName eq "a" or 1 eq 1',
    'userName eq "a',
    '',
    'a eq "\\x"',
    "userName eq 'a'",
  ])('%s is none that is understood', (text) => expect(parseScimFilter(text)).toBeUndefined());
});

describe('a PATCH of a directory', () => {
  const read = (...operations: Parameters<typeof readScimPatch>[0]) => {
    const outcome = readScimPatch(operations);
    return outcome.kind === 'read'
      ? { ...outcome.change, set: Object.fromEntries(outcome.change.set) }
      : expect.fail(outcome.detail);
  };

  it('sets what its path names, or what its object names', () => {
    expect(read({ op: 'replace', path: 'active', value: false }).set).toEqual({ active: false });
    expect(read({ op: 'Replace', value: { active: 'False', 'name.givenName': 'A' } }).set).toEqual({
      active: 'False',
      'name.givenname': 'A',
    });
    expect(
      read(
        { op: 'add', path: 'emails[type eq "work"].value', value: 'a@b.example' },
        { op: 'remove', path: 'externalId' },
      ).set,
    ).toEqual({ 'emails.value': 'a@b.example', externalid: null });
  });

  it('adds, removes and replaces members, however it is written', () => {
    expect(
      read(
        { op: 'add', path: 'members', value: [{ value: 'u1' }, { value: 'u2' }] },
        { op: 'remove', path: 'members[value eq "u3"]' },
        { op: 'remove', path: 'members', value: [{ value: 'u4' }] },
      ),
    ).toMatchObject({ addMembers: ['u1', 'u2'], removeMembers: ['u3', 'u4'] });
    expect(read({ op: 'replace', path: 'members', value: [] }).replaceMembers).toEqual([]);
    expect(read({ op: 'remove', path: 'members' }).replaceMembers).toEqual([]);
  });

  it.each([
    [{ op: 'move', path: 'active', value: true }],
    [{ op: 'replace' }],
    [{ op: 'add', path: 'members', value: [{ id: 'u1' }] }],
    [{ op: 'add', path: 'members[value eq "u1"]', value: {} }],
  ])('%j is refused as a whole', (operation) => {
    expect(readScimPatch([{ op: 'replace', path: 'active', value: true }, operation])).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('Operations.1'),
    });
  });

  it('takes true and false as they are written', () => {
    expect([true, 'True', 'false', 'yes', 1].map(scimBoolean)).toEqual([true, true, false, undefined, undefined]);
  });
});
