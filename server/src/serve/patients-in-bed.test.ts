import { describe, expect, it } from 'vitest';
import type { PatientId, WardId } from '../domain/ids.ts';
import { patientsInBed } from './patients-in-bed.ts';

const place = (id: string, bed: string, ward: string) => ({ id: id as PatientId, bed, wardId: ward as WardId });
const PLACES = [place('p1', 'B-01', 'w3'), place('p2', 'B-02', 'w3'), place('p3', 'B-01', 'w4')];
const NAMES: Readonly<Record<string, string>> = { w3: 'Ward 3', w4: 'Ward 4' };
const found = (bed: string, ward?: string) =>
  patientsInBed(PLACES, { bed, ward }, (wardId) => NAMES[wardId ?? '']).map(({ id }) => id);

describe('a bed as somebody reads it off', () => {
  it('is found however it is written', () => {
    expect(found(' b-02 ')).toEqual(['p2']);
    expect(found('B-03')).toEqual([]);
  });
  it('of two wards is both, until the ward is said by id or by name', () => {
    expect(found('B-01')).toEqual(['p1', 'p3']);
    expect(found('B-01', 'ward 4')).toEqual(['p3']);
    expect(found('B-01', 'W3')).toEqual(['p1']);
    expect(found('B-01', 'Ward 5')).toEqual([]);
  });
});
