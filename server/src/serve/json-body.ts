import type { FastifyBodyParser, FastifyInstance } from 'fastify';

/**
 * JSON as everything that reads it afterwards reads it alike: not nested so deeply that something recursive could fall
 * over it, no name twice in one object (RFC 8259 §4: which of them counts is anybody's guess, so that what was checked
 * need not be what is stored), and nothing that reaches for a prototype.
 */
export function strictJsonParser(app: FastifyInstance): FastifyBodyParser<string> {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request, body, done) => {
    const fault = jsonFault(body);
    if (fault === undefined) return parse(request, body, done);
    return done(Object.assign(new Error('a body is not as JSON should be'), { statusCode: 400, code: fault }));
  };
}

/** `POST …/acknowledge` needs no body; clients that set a content type anyway are not refused for it. */
export function acceptEmptyBodies(api: FastifyInstance): void {
  const parse = strictJsonParser(api);
  api.removeContentTypeParser('application/json');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body as string, done);
  });
}

/** FHIR resources and workflow definitions stay below 30; what we hand on to recursive code takes thousands. */
export const JSON_DEPTH_MAX = 64;

export type JsonFault = 'JSON_TOO_DEEP' | 'JSON_NAME_TWICE';

/** One pass over the text. What is no JSON at all is for the parser to say. */
export function jsonFault(text: string, depthMax = JSON_DEPTH_MAX): JsonFault | undefined {
  // Of each object that is open the names so far; of an array nothing.
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') {
      const end = endOfString(text, at);
      if (end === -1) return undefined;
      const names = open.at(-1);
      if (isName && names !== undefined) {
        const name = unescaped(text.slice(at, end + 1));
        if (names.has(name)) return 'JSON_NAME_TWICE';
        names.add(name);
        isName = false;
      }
      at = end;
    } else if (character === '{' || character === '[') {
      isName = character === '{';
      open.push(isName ? new Set() : undefined);
      if (open.length > depthMax) return 'JSON_TOO_DEEP';
    } else if (character === '}' || character === ']') {
      open.pop();
      isName = false;
    } else if (character === ',') {
      isName = open.at(-1) !== undefined;
    }
  }
  return undefined;
}

/** Of the string that begins at `from`; -1: it never ends. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charAt(quote - 1 - backslashes) === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote;
  }
  return -1;
}

/** `"a"` and `"\u0061"` are one name. */
function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted;
  try {
    return JSON.stringify(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
