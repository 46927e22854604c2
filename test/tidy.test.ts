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

/** Of the Application Security Verification Standard 5.0.0: how many requirements each section of a chapter has. */
const ASVS: Readonly<Record<string, readonly number[]>> = {
  1: [2, 10, 12, 3, 3],
  2: [3, 3, 5, 2],
  3: [1, 3, 5, 8, 8, 1, 5],
  4: [5, 5, 2, 4],
  5: [1, 6, 3, 3],
  6: [3, 12, 8, 6, 8, 4, 2, 4],
  7: [3, 4, 2, 5, 3, 2],
  8: [4, 4, 3, 2],
  9: [3, 4],
  10: [2, 3, 5, 16, 5, 2, 3],
  11: [4, 5, 5, 4, 2, 2, 2],
  12: [5, 2, 5],
  13: [4, 6, 4, 7],
  14: [2, 8, 3],
  15: [5, 5, 7, 4],
  16: [1, 5, 4, 3, 4],
  17: [2, 8, 2],
};

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

  it('names in its security pages only files and tests that are there', () => {
    const dead = ['docs/asvs.md', 'docs/attacks.md', 'docs/threat-model.md', 'docs/security-rules.md'].flatMap((page) =>
      [...read(page).matchAll(/`((?:server|web|contracts|bench|test|docs|scripts|infra)\/[\w./-]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page} → ${path}`),
    );
    expect(dead).toEqual([]);
  });

  it('answers every requirement of ASVS 5.0.0 once, says why where it is not met, and counts rightly', () => {
    const page = read('docs/asvs.md');
    const rows = [...page.matchAll(/^\| V(\d+\.\d+\.\d+) \| ([123]) \| ([a-z ]+) \| (.*) \| (.*) \|$/gm)];
    const all = Object.entries(ASVS).flatMap(([chapter, sections]) =>
      sections.flatMap((count, section) =>
        Array.from({ length: count }, (_, index) => `${chapter}.${section + 1}.${index + 1}`),
      ),
    );
    expect(all).toHaveLength(345);
    expect(rows.map(([, id]) => id)).toEqual(all);
    const states = ['met', 'partly', 'not met', 'does not apply'];
    expect(rows.filter(([, , , state = '', how = '']) => !states.includes(state) || how.trim() === '')).toEqual([]);
    for (const level of ['1', '2', '3']) {
      const counts = states.map((state) => rows.filter(([, , at, is]) => at === level && is === state).length);
      expect(page).toContain(`| ${level} | ${counts.join(' | ')} |`);
    }
  });

  it('has a threat model of every room', () => {
    const rooms = new Set(
      SOURCES.flatMap((file) => /^(?:server\/src|web)\/([\w-]+)\//.exec(file)?.[1] ?? []).filter(
        (room) => !['dev', 'worker', 'src'].includes(room),
      ),
    );
    const headings = [...read('docs/threat-model.md').matchAll(/^## ((?:server|web).*)$/gm)]
      .map(([, text]) => text)
      .join(' ');
    expect([...rooms].filter((room) => !new RegExp(`\\b${room}\\b`).test(headings))).toEqual([]);
  });

  it('has no drawer for whatever is left over', () => {
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.tsx?$)/.test(file))).toEqual([]);
  });

  it('lets no page import the server: it speaks by contract', () => {
    const crossing = SOURCES.filter((file) => file.startsWith('web/src/') && /from '[^']*server\//.test(read(file)));
    expect(crossing).toEqual([]);
  });

  it('has one place where its pages make text of a time: there the zone is the house’s, and is named', () => {
    const own = SOURCES.filter(
      (file) =>
        /^web\/src\/(?!times\/)/.test(file) &&
        /Intl\.DateTimeFormat|toLocale(?:Date|Time)?String|toTimeString|\.get(?:Hours|Minutes|Date|Day|Month|TimezoneOffset)\(|<time[\s>]|datetime-local/.test(
          read(file),
        ),
    );
    // A rota has a zone of its own, which its dialog says; the clock in the bar names its own.
    expect(own).toEqual(['web/src/rota/override-dialog.tsx', 'web/src/widgets/top-bar.tsx']);
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
