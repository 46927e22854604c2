import { describe, expect, it } from 'vitest';
import type { EscalationWorld } from '../domain/escalation.ts';
import type { RotaId, UserId } from '../domain/ids.ts';
import { watchRotas } from './rota-watch.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const SOON = { timeout: 5_000, interval: 5 };

function world(startsOn: string, reachable: readonly string[]): EscalationWorld {
  const person = { userId: 'otto' as UserId, displayName: 'Otto', roles: [], mayAnswer: true, wardIds: [] };
  return {
    people: new Map([[person.userId, person]]),
    contacts: new Map(reachable.map((who) => [who as UserId, [{ channel: 'sms', type: 'sms', address: '+1' }]])),
    rotas: [
      {
        rota: {
          id: 'R1' as RotaId,
          version: 1,
          name: 'Medicine',
          wardIds: [],
          zone: 'UTC',
          layers: [{ name: 'first', people: [person.userId], startsOn, handoverAt: '08:00', turnDays: 7 }],
        },
        overrides: [],
      },
    ],
    quietHours: { users: new Map() },
    house: [],
  };
}

describe('the watch over rotas', () => {
  it('rings where nobody is on call, or nobody can be reached, and is content when that is mended', async () => {
    let now = world('2026-11-23', ['otto']);
    const ringing = new Map<string, string>();
    const watch = watchRotas({
      directory: { worldOf: async () => now },
      systemAlarms: {
        raise: ({ id, rule, priority, text }) => void ringing.set(id, `${priority} ${rule}: ${text}`),
        clear: (id) => void ringing.delete(id),
      },
      now: () => NOW,
      onError: (error) => {
        throw error;
      },
      everyMs: 5,
    });
    const rings = () => ringing.get('rota.R1');
    await expect
      .poll(rings, SOON)
      .toBe('medium rota.gap: Rota Medicine: nobody is on call in layer first, now. See to the rota.');
    now = world('2026-11-02', []);
    await expect.poll(rings, SOON).toMatch(/^medium rota.unreachable: .*has no verified contact, now/);
    now = world('2026-11-02', ['otto']);
    await expect.poll(rings, SOON).toBeUndefined();
    await watch.stop();
  });
});
