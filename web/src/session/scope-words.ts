const SIGN_IN: Readonly<Record<string, string>> = {
  openid: 'know who you are',
  profile: 'know your name',
  fhirUser: 'know your record as a member of staff',
  launch: 'know what you have open here',
  'launch/patient': 'work with one patient you choose',
  offline_access: 'go on for a month without asking again',
  online_access: 'go on for one shift without asking again',
};
const NO_WORDS: ReadonlyMap<string, string> = new Map();
const WHOSE: Readonly<Record<string, string>> = {
  patient: 'of this patient',
  user: 'of everybody you may see',
  system: 'of everybody',
};
const VERBS = { c: 'create', r: 'read', u: 'change', d: 'delete', s: 'search' } as const;

const FAMILIES: Readonly<Record<string, string>> = {
  'alarm.*': 'all about alarms',
  'patient.*': 'all about patients’ records',
  'vitals.*': 'all about values',
  'user.*': 'all about accounts',
  'audit.*': 'all about the audit',
  'device.*': 'all about devices',
  'rules.*': 'all about alarm rules',
  'rota.*': 'all about rotas',
  'consent.*': 'all about consent',
};

/** A scope as a person would say it, by what the server calls it; what is not known is shown as it is. */
export function scopeText(scope: string, words: ReadonlyMap<string, string> = NO_WORDS): string {
  const known = SIGN_IN[scope] ?? words.get(scope) ?? FAMILIES[scope];
  if (known !== undefined) return known;
  const [, context = '', resource, may = ''] = /^(patient|user|system)\/([*A-Za-z]+)\.(.+)$/.exec(scope) ?? [];
  if (resource === undefined) return scope === '*' ? 'everything you may do' : scope;
  const letters = may === 'read' ? 'rs' : may === 'write' ? 'cud' : may === '*' ? 'cruds' : may;
  const verbs = [...letters].map((letter) => VERBS[letter as keyof typeof VERBS] ?? letter).join(', ');
  return `${verbs} ${resource === '*' ? 'all records' : resource} ${WHOSE[context]}`;
}

/** How long an app is in: by what it gets, and by what brings it the next. */
export function lastingText(lasting: { readonly accessSeconds: number; readonly refreshSeconds?: number }): string {
  const { accessSeconds, refreshSeconds } = lasting;
  if (refreshSeconds === undefined) return `It is let in for ${durationText(accessSeconds)}; then it asks you again.`;
  return `It is let in for ${durationText(accessSeconds)} at a time, and renews that by itself for ${durationText(refreshSeconds)} at most.`;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** In the largest unit of which it is two or more: `36 hours`. */
function durationText(seconds: number): string {
  const [name, unit] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ['minute', 60];
  const count = Math.max(1, Math.floor(seconds / unit));
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
