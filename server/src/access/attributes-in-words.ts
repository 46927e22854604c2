import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarRequest } from './cedar-request.ts';
import type { AttributeInWords } from './decisions.ts';

/** What the policies were shown, for a person who asks why. */
export function attributesInWords({ principal, resource, context, entities }: CedarRequest): AttributeInWords[] {
  const who = entities[0];
  const what = entities.at(-1);
  return [
    { name: 'principal.roles', value: (who?.parents ?? []).map(({ id }) => id).join(', '), words: 'roles' },
    ...attributesOf('principal', who?.attrs ?? {}),
    ...(resource.type === principal.type ? [] : attributesOf('resource', what?.attrs ?? {})),
    ...attributesOf('context', context),
  ];
}

function attributesOf(prefix: string, attrs: Readonly<Record<string, CedarValueJson>>): readonly AttributeInWords[] {
  return Object.entries(attrs).map(([name, value]) => {
    const whole = `${prefix}.${name}`;
    return { name: whole, value: textOf(value), words: WORDS[whole] ?? name };
  });
}

const WORDS: Readonly<Record<string, string>> = {
  'principal.tenant': 'organisation of who asks',
  'principal.everyWard': 'was given no ward in particular, and so has all',
  'principal.wards': 'wards of who asks',
  'resource.tenant': 'organisation of what is asked for',
  'resource.ward': 'where the patient lies, or who wears the device',
  'resource.vip': 'the patient’s record is specially protected',
  'resource.by': 'who opened it',
  'context.purpose': 'purpose',
  'context.careTeam': 'the patient is in their care by the ward’s plan, now',
  'context.emergency': 'has opened this patient’s record in an emergency',
  'context.consent': 'the patient consents to this purpose, or none is needed for it',
  'context.shift': 'their shift by the plan',
  'context.program': 'shows a token, not a browser’s session',
  'context.inScope': 'the token’s scopes cover it, or it has none',
  'context.secondFactor': 'shows a second factor when signing in',
  'context.emergencyByPassword': 'this house lets a password open a record in an emergency',
  'context.appPatient': 'the patient an app was opened for',
  'context.proofAgeSeconds': 'seconds since they showed that it is them',
};

function textOf(value: CedarValueJson): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(textOf).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return '__entity' in value ? (value.__entity as { readonly id: string }).id : JSON.stringify(value);
}
