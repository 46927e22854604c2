import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ACTION_NAMES, ACTIONS, type Role } from '../domain/access.ts';
import { accessMatrix } from './access-matrix.ts';
import { openPolicies } from './policy-files.ts';
import { rolesMay } from './role-decisions.ts';

const PAGE = new URL('../../../docs/access-matrix.md', import.meta.url);

it('what every role may do in every situation is what the page says: UPDATE_DOCS=1 writes it anew', () => {
  const matrix = accessMatrix(openPolicies());
  const { UPDATE_DOCS } = process.env;
  if (UPDATE_DOCS === '1') writeFileSync(PAGE, matrix);
  expect(matrix).toBe(readFileSync(PAGE, 'utf8'));
});

const SEE_NO_PATIENTS: readonly Role[] = ['admin', 'analyst', 'privacy-officer', 'security', 'device'];

it.each(SEE_NO_PATIENTS)('%s opens nothing that is known of patients', (role) => {
  expect(ACTION_NAMES.filter((action) => ACTIONS[action].isOfPatients && rolesMay([role], action))).toEqual([]);
});

it('every action is somebody’s, and the schema knows exactly these', () => {
  const schema = readFileSync(new URL('./policies/schema.cedarschema', import.meta.url), 'utf8');
  const declared = [...schema.matchAll(/^action ([^;]*?)\s+appliesTo/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  );
  expect(declared.sort()).toEqual([...ACTION_NAMES].sort());
});
