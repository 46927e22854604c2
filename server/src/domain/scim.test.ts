import { describe, expect, it } from 'vitest';
import { attributesIn, fulfils, parseScimFilter, soleEquality } from './scim-filter.ts';
import { readScimPatch, scimBoolean } from './scim-patch.ts';

const CORA = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  id: 'u-1',
  externalId: 'X-17',
  userName: 'cora.lind',
  active: true,
  name: { givenName: 'Cora', familyName: 'Lind' },
  emails: [
    { value: 'cora@hospital.example', type: 'work' },
    { value: 'cora@home.example', type: 'home' },
  ],
  meta: { created: '2026-11-22T03:00:00Z', lastModified: '2026-11-22T04:00:00.000Z' },
};
const means = (text: string) => {
  const filter = parseScimFilter(text);
  return filter === undefined ? expect.fail(`not read: ${text}`) : fulfils(CORA, filter);
};

describe('a filter of a directory', () => {
  it.each([
    ['userName eq "anna"', { attribute: 'username', value: 'anna' }],
    ['externalId EQ "a\\"b"', { attribute: 'externalid', value: 'a"b' }],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"', { attribute: 'username', value: 'a' }],
    ['name.familyName eq ""', { attribute: 'name.familyname', value: '' }],
  ])('%s is one that an index answers', (text, meaning) =>
    expect(soleEquality(parseScimFilter(text) ?? expect.fail('not read'))).toEqual(meaning),
  );

  it.each([
    'userName eq "CORA.LIND"',
    'userName sw "cora" and active eq true',
    'userName eq "x" or name.familyName co "IN"',
    'emails[type eq "work" and value ew "@hospital.example"]',
    'emails.value eq "CORA@home.example"',
    'emails co "hospital"',
    'externalId pr and not (externalId eq "x-17")',
    'title ne "x"',
    'nickName eq null',
    'meta.lastModified gt "2026-11-22T04:30:00+01:00"',
    'meta.lastModified le "2026-11-22T05:00:00+01:00"',
    'active eq false or active eq true and userName eq "cora.lind"',
    'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"',
  ])('%s means her', (text) => expect(means(text)).toBe(true));

  it.each([
    'externalId eq "x-17"',
    'emails[type eq "home" and value ew "@hospital.example"]',
    '(active eq false or active eq true) and userName eq "x"',
    'active eq "true"',
    'title pr',
    'meta.created gt "2026-11-22T03:00:00Z"',
    'not (userName pr)',
    'constructor pr',
  ])('%s does not', (text) => expect(means(text)).toBe(false));

  it.each([
    'userName eq anna',
    'userName eq "a" or 1 eq 1',
    'userName eq "a',
    '',
    'a eq "\\x"',
    "userName eq 'a'",
    'userName xx "a"',
    'userName eq "a" and',
    '(userName eq "a"',
    'not userName eq "a"',
    'emails[type eq "work"',
    'userName eq "\\u0000"',
    'userName eq "a") or (userName pr',
    `${'('.repeat(11)}userName pr${')'.repeat(11)}`,
  ])('%s is none', (text) => expect(parseScimFilter(text)).toBeUndefined());

  it('says what it looks at', () => {
    const filter = parseScimFilter('not (groups.value eq "g") and emails[type eq "work"] or active pr');
    expect(filter && attributesIn(filter)).toEqual(['groups', 'emails', 'active']);
  });
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
    [{ op: 'remove', value: { active: true } }],
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
