/**
 * `JSON.parse`, and no name twice in one object: of `{"heartRate":80,"heartRate":190}` it would take the last, others
 * the first (RFC 8259 §4), and one of the two rings. Throws a `SyntaxError` for either.
 *
 * Every reading passes here, so that no set of names is made for each object: as many names must be left as were
 * written. It is the one thing in which what was read can fall short of the text.
 */
export function parseUnambiguousJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (namesIn(value) !== namesWritten(text)) throw new SyntaxError('a name stands twice in one object');
  return value;
}

/** Outside of texts a colon stands behind a name and nowhere else. The text is JSON already. */
function namesWritten(text: string): number {
  let names = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) names++;
    else if (code === QUOTE) at = endOfText(text, at);
  }
  return names;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

function endOfText(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE || at >= text.length) return at;
  }
}

/** Without recursion: what is nested thousands deep is refused later, with what is wrong with it. */
function namesIn(value: unknown): number {
  const left: unknown[] = [value];
  let names = 0;
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Array.isArray(next)) {
      for (const each of next) if (typeof each === 'object') left.push(each);
      continue;
    }
    // Of what was parsed all that is enumerable is its own.
    for (const name in next) {
      names++;
      const each = (next as Readonly<Record<string, unknown>>)[name];
      if (typeof each === 'object') left.push(each);
    }
  }
  return names;
}
