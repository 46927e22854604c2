import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT, type PatientId, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import { NO_FACTS } from './access-facts.ts';
import { createDecisions } from './cedar-decisions.ts';
import type { ResourceRef, Subject } from './decisions.ts';
import { lintHousePolicies, openHousePolicies } from './house-policies.ts';
import { openPolicies } from './policy-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'healthsync-house-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string, name = 'night.cedar') => writeFileSync(join(folder, name), text);

const T = Date.parse('2026-11-22T03:00:00Z');
const somebody = (role: Subject['roles'][number], change: Partial<Subject> = {}): Subject => ({
  userId: 'nora' as UserId,
  roles: [role],
  wardIds: ['W1' as WardId],
  tenantId: DEFAULT_TENANT,
  kind: 'session',
  authenticatedAtMs: T,
  ...change,
});
const PATIENT: ResourceRef = { kind: 'patient', patientId: 'P' as PatientId, wardId: 'W1' as WardId };
const decisionsBy = (policies: ReturnType<typeof openPolicies>) =>
  createDecisions({ policies, facts: NO_FACTS, now: () => T });

const MFA_FOR_VALUES = `@id("house-values-mfa")
@title("Here values are read by whoever has shown a second factor within the hour.")
@obligation("second-factor")
forbid (principal is Person, action == Action::"vitals.read", resource is Patient)
unless { context.secondFactor && context has proofAgeSeconds && context.proofAgeSeconds <= 3600 };`;

const ANALYSTS_ROTAS = `@id("house-analysts-rotas")
@title("Here analysts read rotas.")
permit (principal in Role::"analyst", action == Action::"rota.read", resource);`;

describe('a house’s own policies', () => {
  it('forbid what ours permit, and are named with what would lift them', () => {
    const ask = { principal: somebody('nurse'), action: 'vitals.read', resource: PATIENT } as const;
    expect(decisionsBy(openPolicies()).decide(ask).allowed).toBe(true);
    write(MFA_FOR_VALUES);
    const { policies, count } = openHousePolicies(folder);
    const decisions = decisionsBy(policies);
    expect(count).toBe(1);
    expect(decisions.decide(ask)).toEqual({
      allowed: false,
      policies: ['house-values-mfa'],
      obligation: 'second-factor',
    });
    const shown = { ...ask, principal: somebody('nurse', { mfaAtMs: T - 60_000 }) };
    expect(decisions.decide(shown).allowed).toBe(true);
    expect(decisions.explain(ask).rules).toMatchObject([
      { id: 'house-values-mfa', title: expect.stringContaining('Here') },
    ]);
    expect(policies.all.get('house-values-mfa')?.file).toBe('house/night.cedar');
  });

  it('permit what ours do not, up to our walls', () => {
    write(ANALYSTS_ROTAS);
    const decisions = decisionsBy(openHousePolicies(folder).policies);
    const rota = (wardId: string, tenantId?: string) =>
      decisions.decide({
        principal: somebody('analyst'),
        action: 'rota.read',
        resource: { kind: 'ward', wardId: wardId as WardId, ...(tenantId && { tenantId: tenantId as TenantId }) },
      });
    expect(rota('W1')).toEqual({ allowed: true, policies: ['house-analysts-rotas'] });
    expect(rota('W2')).toMatchObject({ allowed: false, policies: ['other-ward'] });
    expect(rota('W1', 'north')).toMatchObject({ allowed: false, policies: ['other-tenant'] });
  });

  it('change nothing else: every other answer is as before', () => {
    write(MFA_FOR_VALUES);
    const [own, both] = [decisionsBy(openPolicies()), decisionsBy(openHousePolicies(folder).policies)];
    for (const role of ['nurse', 'admin', 'kiosk', 'privacy-officer'] as const)
      for (const action of ['patient.read', 'user.write', 'wall.watch', 'audit.read'] as const) {
        const ask = { principal: somebody(role), action, resource: { kind: 'door' } } as const;
        expect(both.decide(ask)).toEqual(own.decide(ask));
      }
  });

  it('have a digest that changes with what they say', () => {
    write(MFA_FOR_VALUES);
    const before = openHousePolicies(folder).digest;
    expect(openHousePolicies(folder).digest).toBe(before);
    write(MFA_FOR_VALUES.replace('3600', '7200'));
    expect(openHousePolicies(folder).digest).not.toBe(before);
  });
});

describe('nothing starts with', () => {
  const head = '@id("house-x") @title("X.")';
  it.each([
    ['what is no policy', `${head} permit (principal`, /night\.cedar/],
    [
      'a word that does not exist',
      `${head} forbid (principal is Person, action == Action::"vitals.read", resource is Patient) when { resource.famous };`,
      /night\.cedar: house-x: .*famous/s,
    ],
    [
      'an action that does not exist',
      `${head} forbid (principal is Person, action == Action::"vitals.raed", resource);`,
      /vitals\.raed/,
    ],
    ['no words for people', '@id("house-x") forbid (principal, action, resource);', /@title/],
    [
      'a name that could be one of ours',
      '@id("nurse") @title("X.") forbid (principal is Person, action == Action::"own.use", resource);',
      /night\.cedar: nurse: .*house-/,
    ],
    ['a permit to everything', `${head} permit (principal in Role::"nurse", action, resource);`, /names its actions/],
    [
      'patients for administrators',
      `${head} permit (principal in Role::"admin", action == Action::"patient.read", resource);`,
      /patient\.read can be permitted/,
    ],
    [
      'patients for whoever a condition lets in',
      `${head} permit (principal is Person, action == Action::"vitals.read", resource) when { principal in Role::"nurse" };`,
      /vitals\.read can be permitted/,
    ],
    [
      'a forbid for devices, which nobody would ask',
      `${head} forbid (principal is Device, action == Action::"reading.send", resource is Device);`,
      /night\.cedar: house-x: .*registry/,
    ],
    [
      'a forbid for devices that names no action',
      `${head} forbid (principal in Role::"device", action, resource);`,
      /night\.cedar: house-x: .*registry/,
    ],
    [
      'a forbid that names sending beside what is asked',
      `${head} forbid (principal, action in [Action::"reading.send", Action::"vitals.read"], resource);`,
      /night\.cedar: house-x: .*registry/,
    ],
  ])('%s', (_what, text, problem) => {
    write(text);
    expect(lintHousePolicies(folder).join('\n')).toMatch(problem);
    expect(() => openHousePolicies(folder)).toThrow(problem);
  });

  it('a folder that is not there, or holds none', () => {
    expect(() => openHousePolicies(folder)).toThrow(/no file/);
    expect(() => openHousePolicies(join(folder, 'slip'))).toThrow(/ENOENT/);
  });

  it('a file that everybody on the machine can write', () => {
    write(ANALYSTS_ROTAS);
    chmodSync(join(folder, 'night.cedar'), 0o666);
    expect(lintHousePolicies(folder)).toEqual(['night.cedar can be written by everybody on this machine']);
  });

  it('and every problem is named at once', () => {
    write(`${head} permit (principal`, 'a.cedar');
    write('@id("mine") @title("X.") forbid (principal is Person, action == Action::"own.use", resource);', 'b.cedar');
    expect(lintHousePolicies(folder).length).toBeGreaterThan(1);
  });
});
