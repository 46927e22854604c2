import { describe, expect, it } from 'vitest';
import { anyRoleText, roleText, searchedFor } from './role-words.ts';

describe('roles', () => {
  it('are said as people say them, also those of tomorrow', () => {
    expect([roleText('charge-nurse'), roleText('bed-manager')]).toEqual(['charge nurse', 'bed manager']);
    expect(anyRoleText(['nurse', 'charge-nurse', 'physician'])).toBe('nurse, charge nurse or doctor');
    expect([anyRoleText(['operator']), anyRoleText([])]).toEqual(['operator', 'another role']);
  });

  it('are looked for as people say them', () => {
    expect(searchedFor(' Doctor lind ')).toBe('physician lind');
    expect(searchedFor('wall display')).toBe('kiosk');
    expect(searchedFor('charge nurse')).toBe('charge nurse');
    expect(searchedFor('Doctorow admin')).toBe('Doctorow admin');
  });
});
