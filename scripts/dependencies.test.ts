import { describe, expect, it } from 'vitest';
import { type DependencyRules, grave, type LockFile, lockProblems } from './dependencies.ts';

const rules: DependencyRules = {
  licences: ['MIT'],
  licencesOfTools: ['MPL-2.0'],
  licencesOf: { odd: 'looked at' },
  installScripts: [/^@native\//],
};
const fine = { version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==`, license: 'MIT' };
const problems = (packages: LockFile['packages']) => lockProblems({ lockfileVersion: 3, packages }, rules);

describe('the lock file', () => {
  it('passes where everything is pinned, hashed, licensed and quiet', () => {
    expect(
      problems({
        '': { dependencies: { a: '1.0.0' }, devDependencies: { tool: '2.0.0-beta.1' } },
        'node_modules/a': fine,
        'node_modules/tool': { ...fine, dev: true, license: 'MPL-2.0' },
        'node_modules/odd': { ...fine, license: 'SEE LICENSE' },
        'node_modules/@native/b': { ...fine, hasInstallScript: true },
        'node_modules/@ours/web': { link: true, resolved: 'web' },
      }),
    ).toEqual([]);
  });
  it.each([
    ['without a hash', { ...fine, integrity: undefined }, 'a: without a SHA-512 of what is installed'],
    ['with a weak one', { ...fine, integrity: 'sha1-AAAA' }, 'a: without a SHA-512 of what is installed'],
    [
      'from somewhere else',
      { ...fine, resolved: 'https://evil.example/a.tgz' },
      'a: from https://evil.example/a.tgz, not from the registry that is set',
    ],
    ['that runs a script', { ...fine, hasInstallScript: true }, 'a: runs a script at installation'],
    ['of a licence nobody has looked at', { ...fine, license: 'AGPL-3.0' }, 'a: licence AGPL-3.0'],
    ['of a tool’s licence that is delivered', { ...fine, license: 'MPL-2.0' }, 'a: licence MPL-2.0'],
    ['without a licence', { version: '1.0.0', integrity: fine.integrity }, 'a: licence unknown'],
  ])('fails with a package %s, however deep it lies', (_what, one, problem) => {
    expect(problems({ 'node_modules/x/node_modules/a': one as typeof fine })).toEqual([problem]);
  });
  it.each(['^1.0.0', '*', 'latest', 'git+https://example.org/a.git', 'file:../a', 'npm:other@1.0.0'])(
    'fails where we ask for %s',
    (wish) => {
      expect(problems({ server: { dependencies: { a: wish } } })).toEqual([`server: a ${wish} is not one version`]);
    },
  );
});

describe('known weaknesses', () => {
  const via = (severity: string) => [{ severity, title: 'escape', url: 'https://example.org/1' }, 'b'];
  it('count from high upwards, each once', () => {
    const vulnerabilities = {
      a: { severity: 'high', via: [...via('high'), ...via('high')] },
      b: { severity: 'moderate', via: via('moderate') },
      c: { severity: 'critical', via: via('critical') },
    };
    expect(grave({ vulnerabilities })).toEqual([
      'a: high, escape https://example.org/1',
      'c: critical, escape https://example.org/1',
    ]);
  });
  it('are unknown, rather than none, where the registry did not say', () => {
    expect(grave({})).toBeUndefined();
    expect(grave({ vulnerabilities: {} })).toEqual([]);
  });
});
