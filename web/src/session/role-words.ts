/** Roles as people say them. */
const ROLE_WORDS: Readonly<Record<string, string>> = {
  nurse: 'nurse',
  'charge-nurse': 'charge nurse',
  physician: 'doctor',
  admin: 'administrator',
  kiosk: 'wall display',
  operator: 'operator',
};

/** A role of tomorrow is better said with its hyphens gone than not at all. */
export const roleText = (role: string): string => ROLE_WORDS[role] ?? role.replaceAll('-', ' ');

/** `nurse, charge nurse or doctor`. */
export function anyRoleText(roles: readonly string[]): string {
  const words = roles.map(roleText);
  return words.length < 2 ? (words[0] ?? 'another role') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** As the server knows roles: whoever looks for a doctor finds the physicians. */
export function searchedFor(words: string): string {
  const said = Object.entries(ROLE_WORDS).filter(([role, text]) => !role.replaceAll('-', ' ').includes(text));
  const known = said.reduce(
    (text, [role, spoken]) => text.replaceAll(new RegExp(`\\b${spoken}\\b`, 'gi'), role),
    words,
  );
  return known.trim().slice(0, 100);
}
