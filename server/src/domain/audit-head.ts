/**
 * A tree head: what the log was at one moment. Its text is a C2SP checkpoint (https://c2sp.org/tlog-checkpoint): origin,
 * size and root hash, and as an extension line the moment, which RFC 6962 §3.5 signs too. What is signed is the text up
 * to the empty line, the line's end included; the signature is a C2SP signed note's:
 *
 *   healthsync-audit/3f2a…
 *   1042
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *   time 2026-11-22T01:02:03.456Z
 *
 *   — healthsync-audit/3f2a… Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
 */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  /** SHA-256, base64. */
  readonly rootBase64: string;
  readonly signedAtMs: number;
}

export interface NoteSignature {
  readonly name: string;
  /** Four bytes that hint at the key, and the signature; base64. */
  readonly base64: string;
}

export function headText({ origin, size, rootBase64, signedAtMs }: TreeHead): string {
  return `${origin}\n${size}\n${rootBase64}\ntime ${new Date(signedAtMs).toISOString()}\n`;
}

export function signedNote(text: string, signatures: readonly NoteSignature[]): string {
  return `${text}\n${signatures.map(({ name, base64 }) => `\u2014 ${name} ${base64}\n`).join('')}`;
}

export interface ParsedNote {
  /** What was signed. */
  readonly text: string;
  readonly head: TreeHead;
  readonly signatures: readonly NoteSignature[];
}

/** Undefined: it is not such a note. Whether a signature is true is for whoever has the key. */
export function parseNote(note: string): ParsedNote | undefined {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || note.length > NOTE_MAX) return undefined;
  const text = note.slice(0, end + 1);
  const match = HEAD.exec(text);
  const signatures: NoteSignature[] = [];
  for (const line of note.slice(end + 2).split('\n')) {
    if (line === '') continue;
    const signature = SIGNATURE.exec(line);
    if (signature === null) return undefined;
    signatures.push({ name: signature[1] as string, base64: signature[2] as string });
  }
  if (match === null || signatures.length === 0) return undefined;
  const [, origin, size, rootBase64, time] = match as unknown as readonly string[];
  const head = {
    origin: origin ?? '',
    size: Number(size),
    rootBase64: rootBase64 ?? '',
    signedAtMs: Date.parse(time ?? ''),
  };
  // Only what this very writer would write: a second spelling of the same head would be a second text to sign.
  return Number.isSafeInteger(head.size) && !Number.isNaN(head.signedAtMs) && headText(head) === text
    ? { text, head, signatures }
    : undefined;
}

/** Some witnesses may have signed besides; a note is still a few lines. */
const NOTE_MAX = 16_384;
const HEAD = /^([^\s+]{1,200})\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\ntime (\S{24})\n$/;
const SIGNATURE = /^\u2014 ([^\s+]{1,200}) ([A-Za-z0-9+/]{8,400}={0,2})$/;
