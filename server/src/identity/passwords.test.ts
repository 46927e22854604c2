import { describe, expect, it } from 'vitest';
import { createPasswords, passwordFault, passwordProblem } from './passwords.ts';

/** Weak on purpose: what is tested does not depend on the cost. */
const cheap = { ln: 4, r: 8, p: 1 };
const passwords = createPasswords({ cost: cheap });
const hashOf = async (password: string, by = passwords) => (await by.hash(password)) ?? expect.fail('busy');

describe('a stored password', () => {
  it('is recognised, and no other is', async () => {
    const stored = await hashOf('correct horse battery');
    expect(await passwords.verify('correct horse battery', stored)).toEqual({ kind: 'right', rehash: false });
    expect(await passwords.verify('correct horse batterz', stored)).toEqual({ kind: 'wrong' });
    expect(await passwords.verify('', stored)).toEqual({ kind: 'wrong' });
  });

  it('is salted: the same password is stored differently each time', async () => {
    expect(await hashOf('correct horse battery')).not.toBe(await hashOf('correct horse battery'));
  });

  it('costs what OWASP asks for, and says so in itself', async () => {
    const stored = await hashOf('correct horse battery', createPasswords());
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await passwords.verify('correct horse battery', stored)).toEqual({ kind: 'right', rehash: true });
  });

  it('is recognised as Argon2 and as scrypt, whichever is made now, and then stored anew', async () => {
    const argon2 = createPasswords({ cost: { m: 64, t: 1, p: 1 } });
    const [old, fresh] = [await hashOf('correct horse battery'), await hashOf('correct horse battery', argon2)];
    expect(await argon2.verify('correct horse battery', old)).toEqual({ kind: 'right', rehash: true });
    expect(await passwords.verify('correct horse battery', fresh)).toEqual({ kind: 'right', rehash: true });
    expect(await argon2.verify('correct horse battery', fresh)).toEqual({ kind: 'right', rehash: false });
    for (const text of [fresh.replace('m=64', 'm=9999999'), fresh.replace('p=1', 'p=9'), fresh.replace('t=1', 't=0')])
      expect(await argon2.verify('correct horse battery', text)).toEqual({ kind: 'wrong' });
  });

  it('is the same however the keyboard composes its characters', async () => {
    const stored = await hashOf('Krankenhausflu\u0308r');
    expect(await passwords.verify('Krankenhausfl\u00fcr', stored)).toMatchObject({ kind: 'right' });
  });

  it('is wrong for anybody where it is damaged or not ours', async () => {
    const stored = await hashOf('correct horse battery');
    for (const text of ['', 'x', stored.slice(0, -1), `${stored}A`, stored.replace('ln=4', 'ln=30'), '$2b$10$abc'])
      expect(await passwords.verify('correct horse battery', text)).toEqual({ kind: 'wrong' });
  });
});

describe('a user who does not exist', () => {
  it('is checked with the same work as one who does', async () => {
    // The work is counted rather than timed: one slot, so a second request finds it taken while the first hashes.
    const one = createPasswords({ cost: cheap, concurrent: 1, waitingMax: 0 });
    const unknown = one.verify('anything at all', undefined);
    expect(await one.verify('x', undefined)).toEqual({ kind: 'busy' });
    expect(await unknown).toEqual({ kind: 'wrong' });
  });
});

describe('too many at once', () => {
  it('wait in order up to a bound, and beyond it are told so', async () => {
    const two = createPasswords({ cost: cheap, concurrent: 1, waitingMax: 2 });
    const stored = await hashOf('correct horse battery', two);
    const all = await Promise.all(Array.from({ length: 5 }, () => two.verify('correct horse battery', stored)));
    expect(all.map(({ kind }) => kind)).toEqual(['right', 'right', 'right', 'busy', 'busy']);
    expect(await two.verify('correct horse battery', stored)).toMatchObject({ kind: 'right' });
  });
});

describe('whoever comes from a browser that is known', () => {
  it('does not stand behind strangers, nor is turned away because of them', async () => {
    const two = createPasswords({ cost: cheap, concurrent: 1, waitingMax: 2 });
    const order: string[] = [];
    const come = async (who: string, turn?: 'first') =>
      order.push(`${who} ${(await two.verify('anything at all', undefined, turn)).kind}`);
    await Promise.all([come('a'), come('b'), come('c'), come('d'), come('known', 'first')]);
    expect(order).toEqual(['d busy', 'a wrong', 'known wrong', 'b wrong', 'c wrong']);
  });
});

describe('a new password', () => {
  it.each([
    ['elevenchars', 'too-short'],
    ['twelve chars', undefined],
    ['äüöbcdefghij', undefined],
    ['💙💙💙💙💙💙', 'too-short'],
    ['a1'.repeat(10), 'repeated'],
    ['x'.repeat(257), 'too-long'],
    ['I am Nightingale at night', 'contains-name'],
  ])('%s is judged %s', (password, problem) => {
    expect(passwordProblem(password, 'nightingale')).toBe(problem);
  });

  it.each([
    'password1234',
    'Password2026!',
    'qwertyuiop12',
    '123456789012',
    'iloveyou1234',
    'abcdefghijkl',
    'Healthsync2026!',
    'healthsync123',
    'Krankenhaus12',
    'nursenursenurse',
    'passwordpassword',
    `passwordpassword${'1'.repeat(200)}x`,
  ])('%s is guessed too easily', async (password) => {
    expect(await passwordFault(password, 'anna')).toBeOneOf(['guessable', 'repeated']);
  });
  it.each([
    'correct horse battery',
    'an orange umbrella',
    'kq7#vT2p!mZ9',
    'wir fahren nach Buxtehude',
    '我们在医院里工作得很晚很晚',
  ])('%s is good, whatever it is made of', async (password) => {
    expect(await passwordFault(password, 'anna')).toBeUndefined();
  });
  it('made of one’s own name and a year is guessed too easily also where the name is long', async () => {
    expect(await passwordFault('Nightingal1820!', 'nightingal')).toBe('contains-name');
    expect(await passwordFault('N1ghtingal1820', 'nightingal')).toBe('guessable');
  });

  it('may contain a very short name by chance', () => {
    expect(passwordProblem('an orange umbrella', 'an')).toBeUndefined();
  });
});
