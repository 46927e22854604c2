import { NAME_OF_FIELD } from './endpoints.ts';
import type { Answer } from './furnishing.ts';

interface Told {
  readonly url: string;
  readonly slot: string;
  /** What was put there. */
  readonly text: string;
  readonly canary: RegExp;
}

/** What may never be in an answer, whatever was asked. Empty: nothing to complain of. */
export function complaintsOf(answer: Answer, asked: Told): readonly string[] {
  const { status, headers, text } = answer;
  const type = headers['content-type'] ?? '';
  const isRefused = status >= 400;
  const complaints: string[] = [];
  if (status >= 500 && status !== 503) complaints.push(`fails: ${status}`);
  if (isRefused && !isRefusalShaped(asked.url, type, text))
    complaints.push(`is refused in no known form: ${type} ${text.slice(0, 100)}`);
  const own = without(text, asked.text);
  for (const [what, trace] of isRefused ? TRACES : [])
    if (trace.test(own)) complaints.push(`tells of its inside: ${what}: ${trace.exec(own)?.[0]}`);
  if (isRefused && asked.canary.test(text)) complaints.push('names a patient in a refusal');
  if (type.startsWith('text/html') && /[<>"]/.test(asked.text) && asked.text.length > 3 && text.includes(asked.text))
    complaints.push('puts what was sent into a page as it is');
  if (isRefused && status !== 404 && isTelling(asked.text) && isRepeated(asked, text))
    complaints.push('repeats what was sent');
  for (const [name, value] of HEADERS)
    if (!value.test(String(headers[name] ?? ''))) complaints.push(`lacks its header ${name}: ${headers[name]}`);
  for (const [name, value] of Object.entries(headers))
    if (/[\r\n]/.test(String(value)) || /^(x-injected|injected|set-cookie2)$/i.test(name))
      complaints.push(`has a header of the attacker’s: ${name}`);
  return complaints;
}

/** Of our code, of the database, and of the disk. */
const TRACES: readonly (readonly [what: string, trace: RegExp])[] = [
  ['a stack', /\n\s+at [\w.<>]+ ?\(|node:internal|node_modules|server\/src|\.ts:\d+/],
  [
    'SQL',
    /SQLSTATE|syntax error at or near|relation "|invalid input syntax|violates (unique|foreign|check|not-null)|invalid byte sequence/,
  ],
  ['the disk', /\bENOENT\b|\bEACCES\b|\bEISDIR\b|healthsync-program-|root:x:0:0/],
  ['JavaScript', /Cannot read propert|is not a function|is not iterable|Unexpected token|\[object Object\]/],
];

const HEADERS: readonly (readonly [name: string, value: RegExp])[] = [
  ['x-content-type-options', /^nosniff$/],
  ['content-security-policy', /default-src 'none'/],
  ['x-frame-options', /^DENY$/],
  ['referrer-policy', /^no-referrer$/],
  ['cache-control', /./],
  ['x-request-id', /^[0-9a-f-]{36}$/],
];

/** Each interface has its own form for what it refuses: RFC 9457, RFC 7644 3.12, FHIR OperationOutcome, RFC 6749 5.2. */
function isRefusalShaped(url: string, type: string, text: string): boolean {
  const body = /json/.test(type) ? JSON.parse(text) : undefined;
  if (type.startsWith('application/problem+json'))
    return typeof body.code === 'string' && typeof body.title === 'string';
  if (url.startsWith('/scim/')) return type.startsWith('application/scim+json') && Array.isArray(body.schemas);
  if (url.startsWith('/fhir/'))
    return type.startsWith('application/fhir+json') && body.resourceType === 'OperationOutcome';
  if (url.startsWith('/oidc/'))
    return body === undefined ? type.startsWith('text/plain') : typeof body.error === 'string';
  // How to build the web app, where it was not built.
  return url === '/' || url.startsWith('/assets/');
}

/** Whether it is something that an answer would hold by no chance. */
const isTelling = (text: string): boolean => text.length >= 12 && /[^\w .-]/.test(text);

/** Of fields, the names are told, and those that are not known by the names they were given: in JSON, and shortened. */
function isRepeated({ url, slot, text: sent }: Told, answer: string): boolean {
  if (slot === NAME_OF_FIELD) return false;
  if (url.startsWith('/oidc/') || !answer.startsWith('{')) return answer.includes(sent);
  const { detail, ...body } = JSON.parse(answer);
  if (body.code !== 'invalid-input' && detail?.includes(sent)) return true;
  const errors = (body.errors ?? []).map(({ field: _, ...error }: { readonly field: string }) => error);
  return JSON.stringify({ ...body, errors }).includes(JSON.stringify(sent).slice(1, -1));
}

/** What came back of what was sent says nothing of our inside. */
const without = (text: string, sent: string): string =>
  [sent, JSON.stringify(sent).slice(1, -1), encodeURIComponent(sent.toWellFormed())].reduce(
    (rest, one) => rest.replaceAll(one, ''),
    text,
  );

/** An error that was caught. A machine too busy for its database says so, and what came late on it; neither is a defect. */
export const isDefect = (line: string): boolean =>
  /"level":50/.test(line) && /"error":\{/.test(line) && !/"code":"[a-z]+-unavailable"/.test(line);
