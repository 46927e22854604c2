import { expect, it } from 'vitest';
import { postalLine } from './postal-line.ts';

it('one address written in several ways is one', () => {
  const one = postalLine('Hauptstraße 5, 1010 Wien');
  for (const text of ['HAUPTSTR. 5 1010 WIEN', 'Hauptstrasse 5  1010-Wien', 'hauptstraße 5,1010 wien'])
    expect(postalLine(text), text).toBe(one);
  expect(postalLine('12 Park Avenue')).toBe(postalLine('12, Park Ave'));
});

it('the house next door is another', () => {
  expect(postalLine('Hauptstraße 5, 1010 Wien')).not.toBe(postalLine('Hauptstraße 7, 1010 Wien'));
});
