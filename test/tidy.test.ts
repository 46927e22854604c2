import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** House style that a linter does not know. A bound here only ever goes down. */
const ROOT = resolve(import.meta.dirname, '..');
const FILES = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const SOURCES = FILES.filter((file) => /\.(ts|tsx)$/.test(file));

describe('the house', () => {
  it('has no dead link in its pages', () => {
    const dead = FILES.filter((file) => file.endsWith('.md')).flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('names in its pages only code that is there', () => {
    const dead = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'].flatMap((page) =>
      [...read(page).matchAll(/`((?:server|web|contracts|bench|test|docs|scripts|infra)\/[\w./-]+?)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page} → ${path}`),
    );
    expect(dead).toEqual([]);
  });

  it('has no drawer for whatever is left over', () => {
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.tsx?$)/.test(file))).toEqual([]);
  });

  it('lets no page import the server: it speaks by contract', () => {
    const crossing = SOURCES.filter((file) => file.startsWith('web/src/') && /from '[^']*server\//.test(read(file)));
    expect(crossing).toEqual([]);
  });

  it('keeps its files short: a median near a hundred lines, none beyond the largest of today', () => {
    const lengths = SOURCES.map((file) => ({ file, lines: read(file).split('\n').length }));
    const median = lengths.map(({ lines }) => lines).sort((a, b) => a - b)[Math.floor(lengths.length / 2)];
    expect(median).toBeLessThanOrEqual(120);
    expect(lengths.filter(({ lines }) => lines > 500)).toEqual([]);
  });

  it('names no host of a package registry in its lock file', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });

  it('carries no large file', () => {
    const large = FILES.filter((file) => file !== 'package-lock.json' && statSync(join(ROOT, file)).size > 600 * 1024);
    expect(large).toEqual([]);
  });

  it('has decision records of one page, numbered without a gap', () => {
    const records = FILES.filter((file) => /^docs\/adr\/\d{4}-/.test(file)).sort();
    expect(records.map((file) => Number(file.slice(9, 13)))).toEqual(records.map((_, index) => index + 1));
    expect(records.filter((file) => read(file).split(/\s+/).length > 900)).toEqual([]);
  });
});

function read(file: string): string {
  return existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : '';
}
