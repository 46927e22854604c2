/** A mail of ours as a person reads it. */
export interface DemoMail {
  readonly atMs: number;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

/** Reads what our own notifier writes (RFC 5322, 2045, 2047), no more: the demo has no other sender. */
export function readMail(raw: string, { to, atMs }: Pick<DemoMail, 'to' | 'atMs'>): DemoMail {
  const whole = splitPart(raw);
  return { atMs, to, subject: wordsOf(whole.headers.get('subject') ?? ''), text: textOf(whole)?.trim() ?? '' };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function splitPart(raw: string): Part {
  const end = raw.indexOf('\r\n\r\n');
  const [head, body] = end < 0 ? [raw, ''] : [raw.slice(0, end), raw.slice(end + 4)];
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n'); // RFC 5322 §2.2.3: unfolding
  return {
    headers: new Map(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    ),
    body,
  };
}

/** The first part in plain text. */
function textOf({ headers, body }: Part): string | undefined {
  const type = headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined && /^multipart\//i.test(type))
    for (const each of body.split(`--${boundary}`).slice(1)) {
      const found = textOf(splitPart(each.replace(/^\r\n/, '')));
      if (found !== undefined) return found;
    }
  return /^text\/plain/i.test(type) ? decoded(body, headers.get('content-transfer-encoding') ?? '7bit') : undefined;
}

function decoded(body: string, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable':
      return bytesOf(body.replace(/=\r\n/g, '')).toString('utf8');
    default:
      return Buffer.from(body, 'latin1').toString('utf8');
  }
}

function bytesOf(text: string): Buffer {
  const latin1 = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

/** RFC 2047: words in other letters than ASCII's; the space between two of them is none. */
function wordsOf(header: string): string {
  return header
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : bytesOf(word.replaceAll('_', ' ')).toString('utf8'),
    );
}
