import type { PlannedBed, PlannedWard, WardPlan } from '@healthsync/contracts/ward-plan';
import type { MockReply } from './mock-reply.ts';

type Body = Readonly<Record<string, unknown>> | undefined;

/** Wards and beds as whoever manages them sees them; in the first bed of the first ward somebody lies. */
export function createMockWardPlan() {
  const wards = new Map<string, Omit<PlannedWard, 'beds'>>([
    ['icu', { id: 'icu', name: 'Intensive care', departmentId: 'anaesthesiology' }],
    ['w3', { id: 'w3', name: 'Ward 3 for Internal Medicine, Cardiology and Nephrology' }],
    ['w9', { id: 'w9', name: 'Ward 9' }],
  ]);
  const beds = new Map<string, PlannedBed>();
  for (let i = 1; i <= 12; i++) {
    const label = `ICU-${String(i).padStart(2, '0')}`;
    beds.set(label, { id: label, wardId: 'icu', label });
  }
  beds.set('W3-01', { id: 'W3-01', wardId: 'w3', label: 'Window' });

  const shown = (ward: Omit<PlannedWard, 'beds'>): PlannedWard => ({
    ...ward,
    beds: [...beds.values()].filter(({ wardId }) => wardId === ward.id),
  });
  const text = (body: Body, field: string) => String(body?.[field] ?? '');
  const refused = (code: string, detail: string, more?: object): MockReply => ({
    status: 409,
    code,
    detail,
    ...(more !== undefined && { more }),
  });
  const takenAt = (field: string, detail: string) =>
    refused('taken', detail, { errors: [{ code: 'taken', field, detail }] });

  function putWard(id: string, body: Body): PlannedWard {
    const departmentId = text(body, 'departmentId');
    const ward = { id, name: text(body, 'name'), ...(departmentId !== '' && { departmentId }) };
    wards.set(id, ward);
    return shown(ward);
  }
  function putBed(id: string, body: Body): PlannedBed {
    const bed = { id, wardId: text(body, 'wardId'), label: text(body, 'label') };
    beds.set(id, bed);
    return bed;
  }

  return {
    whole: (): WardPlan => ({ wards: [...wards.values()].map(shown), isWhole: true }),
    addWard: (body: Body): MockReply =>
      wards.has(text(body, 'id'))
        ? takenAt('id', 'There is a ward of this id already.')
        : { body: putWard(text(body, 'id'), body) },
    changeWard: (id: string, body: Body) => (wards.has(id) ? putWard(id, body) : undefined),
    removeWard: (id: string) => (wards.delete(id) ? {} : undefined),
    addBed: (body: Body): MockReply =>
      beds.has(text(body, 'id'))
        ? takenAt('id', 'There is a bed of this id already.')
        : { body: putBed(text(body, 'id'), body) },
    changeBed: (id: string, body: Body) => (beds.has(id) ? putBed(id, body) : undefined),
    removeBed: (id: string): MockReply =>
      id === 'ICU-01'
        ? refused('in-use', 'Somebody lies there, or looks after it by the plan.')
        : { body: { isGone: beds.delete(id) } },
  };
}
