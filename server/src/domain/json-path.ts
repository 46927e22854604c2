/**
 * The small path language of mapping profiles, compiled once. Steps are separated by `/`: a member's name, an index, or
 * `[key=value]`, which picks the one element of an array whose member `key` is `value` (compared as text).
 * `~1` stands for `/`, `~0` for `~` (RFC 6901 §3).
 */
export type JsonPath = readonly Step[];

export type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'element'; readonly key: string; readonly value: string };

export type Reached =
  | { readonly kind: 'found'; readonly value: unknown; readonly parent: unknown }
  | { readonly kind: 'absent' }
  /** Two elements answer to one selector: which is meant cannot be known. */
  | { readonly kind: 'ambiguous' };

export function parseJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('/')) return undefined;
  const steps = text.slice(1).split('/').map(parseStep);
  return steps.every((step) => step !== undefined) ? steps : undefined;
}

export function reach(root: unknown, path: JsonPath): Reached {
  let value = root;
  let parent: unknown;
  for (const step of path) {
    parent = value;
    if (typeof value !== 'object' || value === null) return ABSENT;
    if (step.kind === 'member') {
      // Own members only: `constructor` is no vital.
      if (!Object.hasOwn(value, step.name)) return ABSENT;
      value = (value as Record<string, unknown>)[step.name];
    } else {
      const found = elementOf(value, step);
      if (found.kind !== 'found') return found;
      value = found.value;
    }
  }
  return { kind: 'found', value, parent };
}

const ABSENT: Reached = { kind: 'absent' };
const AMBIGUOUS: Reached = { kind: 'ambiguous' };

function elementOf(list: unknown, step: { readonly key: string; readonly value: string }): Reached {
  if (!Array.isArray(list)) return ABSENT;
  let found: Reached = ABSENT;
  for (const element of list) {
    if (typeof element !== 'object' || element === null || !Object.hasOwn(element, step.key)) continue;
    const given = (element as Record<string, unknown>)[step.key];
    if ((typeof given !== 'string' && typeof given !== 'number') || String(given) !== step.value) continue;
    if (found.kind === 'found') return AMBIGUOUS;
    found = { kind: 'found', value: element, parent: list };
  }
  return found;
}

function parseStep(text: string): Step | undefined {
  if (text === '' || /~(?![01])/.test(text)) return undefined;
  const selector = /^\[([^=\]]+)=([^\]]+)\]$/.exec(text);
  if (selector)
    return { kind: 'element', key: unescapeStep(selector[1] as string), value: unescapeStep(selector[2] as string) };
  return /[[\]]/.test(text) ? undefined : { kind: 'member', name: unescapeStep(text) };
}

function unescapeStep(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}
