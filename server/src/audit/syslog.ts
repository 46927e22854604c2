import type { RecordedEntry } from '../domain/audit-entry.ts';
import { encodeEntry } from '../domain/audit-entry.ts';

/** How one entry is written for a security system. */
export type SiemFormat = (entry: RecordedEntry) => Buffer;

/** The text that was hashed, a line each: whoever has all lines has the log. */
export const jsonLine: SiemFormat = (entry) => Buffer.from(`${encodeEntry(entry)}\n`);

/**
 * RFC 5424: facility 13 ("log audit"), severity by outcome, and the entry's parts as structured data under our private
 * enterprise number's place, which is the example number of RFC 5424 §7.2.2 until there is one of our own; the message is
 * the entry's text. Framed by octet counting (RFC 5425 §4.3).
 */
export function syslogFrame(hostname: string): SiemFormat {
  const host = headerField(hostname, 255);
  return (entry) => {
    const priority = FACILITY * 8 + (entry.outcome === 'allowed' ? NOTICE : WARNING);
    const header = `<${priority}>1 ${new Date(entry.recordedAtMs).toISOString()} ${host} healthsync - ${headerField(entry.action, 32)}`;
    // U+FEFF: the message is UTF-8 (§6.4).
    const message = Buffer.from(`${header} ${structuredData(entry)} \ufeff${encodeEntry(entry)}`);
    return Buffer.concat([Buffer.from(`${message.length} `), message]);
  };
}

const FACILITY = 13;
const NOTICE = 5;
const WARNING = 4;

function structuredData(entry: RecordedEntry): string {
  const fields: Readonly<Record<string, string | undefined>> = {
    position: String(entry.position),
    actor: entry.actor.name,
    address: entry.actor.address,
    action: entry.action,
    outcome: entry.outcome,
    resource: entry.resource.kind,
    resourceId: entry.resource.id,
    patient: entry.patientId,
    purpose: entry.purpose,
    correlation: entry.correlationId,
  };
  const parameters = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${(value ?? '').replaceAll(/["\\\]]/g, '\\$&')}"`);
  return `[audit@32473${parameters.join('')}]`;
}

/** §6: printable ASCII without blanks; `-` for nothing. */
function headerField(text: string, max: number): string {
  const fit = text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, max);
  return fit === '' ? '-' : fit;
}
