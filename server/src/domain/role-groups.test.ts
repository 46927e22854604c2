import { describe, expect, it } from 'vitest';
import { meaningOfGroups, parseRoleGroup, type RoleGroup } from './role-groups.ts';

const groups = (...texts: string[]) => texts.map((text) => parseRoleGroup(text) as RoleGroup);

describe('groups of a directory', () => {
  it('mean roles, in wards where they say so', () => {
    const known = groups('ICU Nurses=nurse@w3', 'Leads=charge-nurse@w3', 'IT=operator', 'Second=nurse@w4');
    expect(meaningOfGroups(known, ['ICU Nurses', 'Leads', 'Choir'])).toEqual({
      roles: ['nurse', 'charge-nurse'],
      wardIds: ['w3'],
    });
    expect(meaningOfGroups(known, ['ICU Nurses', 'Second'])).toEqual({ roles: ['nurse'], wardIds: ['w3', 'w4'] });
    expect(meaningOfGroups(known, ['IT'])).toEqual({ roles: ['operator'], wardIds: [] });
    expect(meaningOfGroups(known, ['icu nurses', 'Choir'])).toEqual({ roles: [], wardIds: [] });
  });

  it('never show the whole house to whom one of them gives a ward', () => {
    const known = groups('Nurses=nurse', 'ICU=nurse@w3');
    expect(meaningOfGroups(known, ['Nurses', 'ICU']).wardIds).toEqual(['w3']);
  });

  it.each(['Nurses', 'Nurses=', '=nurse', 'N=nobody', 'N=device', 'N=nurse@', 'N=nurse@w 3', 'N=nurse@../x'])(
    '%s is not written so',
    (text) => expect(parseRoleGroup(text)).toBeUndefined(),
  );
});
