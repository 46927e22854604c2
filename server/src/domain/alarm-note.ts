/** A person's own words about an alarm: as written, without blanks around them. Undefined: nothing that can be shown. */
export function parseNote(text: string): string | undefined {
  const note = text.replaceAll('\r\n', '\n').trim();
  return note.length >= 1 && note.length <= NOTE_LENGTH_MAX && !UNSHOWN.test(note) ? note : undefined;
}

/** Longer is a report, and belongs into the record. */
export const NOTE_LENGTH_MAX = 2_000;
/** Control characters, but for line breaks and tabs; and halves of a character. */
const UNSHOWN = /(?![\n\t])\p{Cc}|\p{Cs}/u;
