import { parseAlarmId } from '../domain/ids.ts';
import type { RoundKey } from '../ports/escalations.ts';

/** What every function of an escalation is given. Throws where a definition hands over something else. */
export function parseRoundKey(payload: unknown): RoundKey {
  const { alarmId, round } = isObject(payload) ? payload : {};
  const id = parseAlarmId(alarmId);
  if (id === undefined || !Number.isSafeInteger(round)) throw new TypeError('alarmId and round are needed');
  return { alarmId: id, round: Number(round) };
}

export function isObject(
  value: unknown,
): value is Readonly<Record<string, unknown>> & { readonly [Name in string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
