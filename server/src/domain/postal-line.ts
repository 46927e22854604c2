/**
 * An address in the one form that compares: `Hauptstraße 5, 1010 Wien` and `hauptstr. 5 1010 WIEN` are one. Letters and
 * digits remain; the ways in which streets are written short are one. What is compared is whole: a neighbour next door is
 * another address.
 */
export function postalLine(address: string): string {
  return address
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(/(strasse|str\.)(?=[\s,\d]|$)/gu, 'str')
    .replaceAll(/\b(street|avenue|road|square|boulevard)\b/gu, (word) => SHORT[word] ?? word)
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

const SHORT: Readonly<Record<string, string>> = {
  street: 'st',
  avenue: 'ave',
  road: 'rd',
  square: 'sq',
  boulevard: 'blvd',
};
