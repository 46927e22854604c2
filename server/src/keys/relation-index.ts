import { postalLine } from '../domain/postal-line.ts';
import type { RelationIndex } from '../ports/own-records.ts';
import { blindIndex } from './blind-index.ts';
import type { SubjectKeys } from './subject-keys.ts';

/** With the house's key, in fields of their own: an index of a name here is none of a record number. */
export function createRelationIndex(keys: SubjectKeys): RelationIndex {
  return {
    async of(field, text) {
      const key = await keys.forSealing('house:index');
      return blindIndex(key, `relation.${field}`, field === 'address' ? postalLine(text) : text);
    },
  };
}
