import { describe, expect, it } from 'vitest';
import type { Role } from '../domain/access.ts';
import type { PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';
import type { SecurityAlert } from '../domain/security-alert.ts';
import type { User } from '../ports/accounts.ts';
import type { Contact } from '../ports/contacts.ts';
import { tellSecurity } from './tell-security.ts';

const TENANT = 'default' as TenantId;
const alert = (part: Partial<SecurityAlert> = {}): SecurityAlert => ({
  id: 'vip-17',
  tenantId: TENANT,
  kind: 'vip',
  score: 75,
  severity: 'high',
  state: 'open',
  person: { name: 'nora', userId: 'u-nora' as UserId },
  patientId: 'P-SECRET' as PatientId,
  reasons: [{ code: 'vip', text: 'The patient is specially protected.' }],
  evidence: [17],
  count: 1,
  firstAtMs: 5,
  lastAtMs: 5,
  ...part,
});
const person = (name: string, role: Role, part: Partial<User> = {}): User => ({
  id: `u-${name}` as UserId,
  name,
  displayName: name,
  roles: [role],
  wardIds: [],
  ...part,
});

async function told(waiting: readonly SecurityAlert[], users: readonly User[], unreachable: readonly string[] = []) {
  const sent: { readonly to: readonly string[]; readonly text: string; readonly id: string }[] = [];
  const marked: string[] = [];
  await tellSecurity({
    alerts: {
      untold: async () => waiting,
      markTold: async ({ id, severity }) => void marked.push(`${id} ${severity}`),
    },
    users: async () => users,
    contacts: {
      of: async (ids) =>
        ids
          .filter((id) => !unreachable.includes(id))
          .map((userId): Contact => ({ userId, channel: 'smtp', address: `${userId}@x`, verified: true })),
    },
    outbox: {
      enqueueSystem: async (one, recipients) => {
        sent.push({ to: recipients.map(({ recipient }) => recipient), text: one.text, id: one.id });
        return recipients.length;
      },
    },
    nowMs: 10,
  });
  return { sent, marked };
}

describe('security', () => {
  const sam = person('sam', 'security');
  const petra = person('petra', 'privacy-officer');

  it('is told by their own contacts that there is something, and neither who nor which patient', async () => {
    const { sent, marked } = await told([alert()], [sam, petra, person('nora', 'nurse')]);
    expect(sent).toEqual([
      {
        to: ['u-sam@x'],
        id: 'security.default.vip-17.high',
        text: 'Security alert (high): a specially protected record opened. See Security in HealthSync.',
      },
    ]);
    expect(JSON.stringify(sent)).not.toMatch(/nora|P-SECRET/);
    expect(marked).toEqual(['vip-17 high']);
  });

  it('that cannot be reached, or that it is about, gives way to the privacy officer', async () => {
    expect((await told([alert()], [sam, petra], ['u-sam'])).sent[0]?.to).toEqual(['u-petra@x']);
    const aboutSam = alert({ person: { name: 'sam', userId: 'u-sam' as UserId } });
    expect((await told([aboutSam], [sam, petra])).sent[0]?.to).toEqual(['u-petra@x']);
  });

  it('that was given a ward, and so opens no alert, is told where nobody is reached who does', async () => {
    const wanda = person('wanda', 'security', { wardIds: ['w3' as WardId] });
    expect((await told([alert()], [wanda, petra])).sent[0]?.to).toEqual(['u-petra@x']);
    expect((await told([alert()], [wanda, petra], ['u-petra'])).sent[0]?.to).toEqual(['u-wanda@x']);
  });

  it('of another organisation, or whose account is disabled, is told nothing', async () => {
    const other = person('otto', 'security', { tenantId: 'other' as TenantId });
    const gone = person('gina', 'security', { disabledAtMs: 1 });
    expect((await told([alert()], [other, gone])).sent[0]?.to).toEqual([]);
    expect((await told([alert({ tenantId: 'other' as TenantId })], [sam, other])).sent[0]?.to).toEqual(['u-otto@x']);
  });
});
