import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACTION_NAMES } from '../domain/access.ts';
import type { DeviceId, PatientId, UserId, WardId } from '../domain/ids.ts';
import { NO_FACTS } from './access-facts.ts';
import { cedarRequest } from './cedar-request.ts';
import type { ResourceRef } from './decisions.ts';
import { lintPolicies, openPolicies, POLICY_FOLDER, policyStamp, STAMP_FILE } from './policy-files.ts';
import { roleAlone } from './role-alone.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'healthsync-policies-'));
  cpSync(POLICY_FOLDER, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const add = (text: string) => writeFileSync(join(folder, 'more.cedar'), text);

describe('policies are checked before anything starts', () => {
  it('the repository’s own hold together', () => expect(lintPolicies()).toEqual([]));
  it('and are stamped as they are: UPDATE_DOCS=1 stamps them anew', () => {
    const stamp = join(POLICY_FOLDER, STAMP_FILE);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(stamp, `${policyStamp()}\n`);
    expect(readFileSync(stamp, 'utf8')).toBe(`${policyStamp()}\n`);
  });
  it.each(['walls.cedar', 'schema.cedarschema'])('what was changed in %s after it was stamped is looked at', (name) => {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('tenant', 'tenants'));
    expect(openPolicies(POLICY_FOLDER).all.size).toBeGreaterThan(20);
    expect(() => openPolicies(folder)).toThrow(/tenant/);
  });

  it.each([
    [
      'an action that does not exist',
      'permit (principal, action == Action::"patient.raed", resource);',
      /patient\.raed/,
    ],
    [
      'a role attribute that does not exist',
      'permit (principal is Person, action == Action::"wall.watch", resource) when { principal.wrads.isEmpty() };',
      /wrads/,
    ],
    [
      'an optional attribute that is not asked for first',
      'permit (principal is Person, action == Action::"wall.watch", resource is Patient) when { principal.wards.contains(resource.ward) };',
      /ward/,
    ],
    [
      'a comparison of different things',
      'permit (principal is Person, action == Action::"wall.watch", resource is Ward) when { principal.tenant == resource };',
      /more/,
    ],
    ['a policy that can never hold', 'permit (principal is Device, action == Action::"wall.watch", resource);', /more/],
    ['what is no policy', 'permit (principal;', /more\.cedar/],
  ])('%s is refused', (_what, text, problem) => {
    add(`@id("more") @title("More.") ${text}`);
    expect(lintPolicies(folder).join('\n')).toMatch(problem);
    expect(() => openPolicies(folder)).toThrow();
  });
  it('a policy without a name or words for people is refused', () => {
    add('permit (principal, action == Action::"own.use", resource);');
    expect(lintPolicies(folder).join('\n')).toContain('@title');
  });
  it('one name stands once', () => {
    add('@id("nurse") @title("Another.") permit (principal is Person, action == Action::"own.use", resource);');
    expect(() => openPolicies(folder)).toThrow(/nurse stands twice/);
  });
  it('only a forbid has a way out, and one we know', () => {
    add(
      '@id("more") @title("More.") @obligation("ask-nicely") forbid (principal is Person, action == Action::"own.use", resource) when { context.program };',
    );
    expect(() => openPolicies(folder)).toThrow(/ask-nicely|@obligation/);
  });
  it('a file out of Cedar’s form is named, and does not stop anything', () => {
    const path = join(folder, 'walls.cedar');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('forbid (principal, action, resource)', 'forbid(principal,action,resource)'),
    );
    expect(lintPolicies(folder)).toEqual(['walls.cedar: not in Cedar’s own format']);
    expect(openPolicies(folder).all.size).toBe(openPolicies().all.size);
  });
});

it('leaving out what cannot speak to a question changes no answer', () => {
  const policies = openPolicies();
  const whole = Object.fromEntries([...policies.all.values()].map(({ id, text }) => [id, text]));
  expect(preparsePolicySet('whole', { staticPolicies: whole }).type).toBe('success');
  const resources: readonly ResourceRef[] = [
    { kind: 'door' },
    { kind: 'house' },
    { kind: 'installation' },
    { kind: 'ward', wardId: 'W1' as WardId },
    { kind: 'patient', patientId: 'P' as PatientId, wardId: 'W2' as WardId },
    { kind: 'device', deviceId: 'D' as DeviceId },
    { kind: 'emergency-access', id: 'e', by: 'role:privacy-officer' as UserId },
  ];
  for (const role of ['charge-nurse', 'admin', 'privacy-officer', 'device'] as const)
    for (const action of ACTION_NAMES)
      for (const resource of resources) {
        const principal = { ...roleAlone(role), wardIds: ['W1' as WardId], mfaAtMs: 0 };
        const { slice, entities, ...request } = cedarRequest(
          { principal, action, resource },
          { policies, facts: NO_FACTS, atMs: 3_600_000 },
        );
        const context = { proofAgeSeconds: 3_600, ...request.context };
        const ask = (preparsedPolicySetId: string) => {
          const answer = statefulIsAuthorized({ ...request, context, entities: [...entities], preparsedPolicySetId });
          if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
          const { decision, diagnostics } = answer.response;
          return { decision, reason: [...diagnostics.reason].sort(), errors: diagnostics.errors };
        };
        expect(ask(slice.setId), `${role} ${action} ${resource.kind}`).toEqual(ask('whole'));
      }
});
