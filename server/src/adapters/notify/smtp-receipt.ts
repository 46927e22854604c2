/** Enough for any server's queue id. */
const RECEIPT_MAX = 200;
/** RFC 5321 §4.5.3.1.5: a line of an answer has at most 512; two of them are read. What comes after is not looked at. */
const READ_MAX = 1_024;

/**
 * The server's queue id: what its operators search for. It may have put an address beside it, which is left out. Each
 * character that is read is looked at once, whatever the server has sent.
 */
export function receiptOf(response: Pick<string, 'slice'>): string {
  // One more than is looked at: of a word that is cut off nobody knows whether it was an address.
  const read = response.slice(0, READ_MAX + 1);
  const words = read.split(/\s/);
  if (read.length > READ_MAX) words.pop();
  return words
    .map((word) => (word.includes('@') ? '…' : word))
    .join(' ')
    .slice(0, RECEIPT_MAX);
}
