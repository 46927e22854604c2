import { describe, expect, it } from 'vitest';
import { barOf, firstPage, MORE_HEADS, PAGES } from '../../web/src/pages.ts';
import { actionsOf } from './web-roles.ts';

/** By what the server's own policies grant. */
const as = (role: string) => {
  const actions = actionsOf(role);
  return (action: string) => actions.includes(action);
};
const barOfRole = (role: string) => barOf(as(role)).bar.map(({ label }) => label);

describe('who begins where', () => {
  it.each([
    ['nurse', '/wall'],
    ['kiosk', '/wall'],
    ['privacy-officer', '/emergencies'],
    ['security', '/security'],
    ['admin', '/users'],
    ['operator', '/status'],
    ['analyst', '/rules'],
  ])('%s: at %s, with their work', (role, path) => {
    expect(firstPage(as(role))).toBe(path);
  });
});

describe('the bar', () => {
  it('holds a ward’s hurried pages for whoever watches one, and the other work’s for the others', () => {
    expect(barOfRole('nurse')).toEqual(['Wall', 'Worklist', 'Patients', 'Rota']);
    expect(barOfRole('kiosk')).toEqual(['Wall']);
    expect(barOfRole('privacy-officer')).toEqual(expect.arrayContaining(['Emergency access', 'Accounts', 'Consent']));
    expect(barOfRole('admin')).toEqual(expect.arrayContaining(['Accounts', 'Devices', 'Health']));
  });
  it('loses no page: what has no room in it waits under a head that is shown', () => {
    for (const role of ['nurse', 'charge-nurse', 'physician', 'admin', 'operator', 'privacy-officer', 'security']) {
      const { bar, more } = barOf(as(role));
      const open = PAGES.filter(({ needs }) => needs.some(as(role)));
      expect(bar.length + more.length, role).toBe(open.length);
      expect(bar.length, role).toBeLessThanOrEqual(6);
      for (const page of more) expect(MORE_HEADS).toContain(page.more ?? 'Ward');
    }
  });
  it('reaches every page by a key of its own', () => {
    expect(new Set(PAGES.map(({ key }) => key)).size).toBe(PAGES.length);
  });
});
