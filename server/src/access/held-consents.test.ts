import { expect, it } from 'vitest';
import { memoryConsents } from '../adapters/memory/memory-consents.ts';
import type { PatientId } from '../domain/ids.ts';
import { testConsent } from '../domain/test-consent.ts';
import { createConsentDesk } from './consent-desk.ts';
import { heldConsents } from './held-consents.ts';

const T = Date.parse('2026-11-22T03:00:00Z');

it('a consent that runs out, or whose notice was lost, is told at the next look: what it opened leaves the wall', async () => {
  const consents = memoryConsents();
  const held = heldConsents('needed');
  const told: PatientId[] = [];
  let nowMs = T;
  const desk = createConsentDesk({
    consents,
    held,
    newId: () => 'x',
    now: () => nowMs,
    onChanged: (patientId) => told.push(patientId),
  });
  const of = (id: string) => testConsent({ id, patientId: `P-${id}` as PatientId, purpose: 'treatment', fromMs: T });
  const mayShow = (id: string) =>
    held.consentTo({ patientId: `P-${id}` as PatientId, purpose: 'treatment', atMs: nowMs }).isOpen;
  await consents.keep({ ...of('ends'), untilMs: T + 10_000 });
  await consents.keep(of('taken'));
  await consents.keep(of('stands'));
  await desk.refresh();
  expect(['ends', 'taken', 'stands'].map(mayShow)).toEqual([true, true, true]);
  told.length = 0;
  nowMs += 30_000;
  await consents.keep({ ...of('taken'), version: 2, state: 'revoked' });
  await desk.refresh();
  expect(told.toSorted()).toEqual(['P-ends', 'P-taken']);
  expect(['ends', 'taken', 'stands'].map(mayShow)).toEqual([false, false, true]);
  told.length = 0;
  await desk.refresh();
  expect(told).toEqual([]);
});
