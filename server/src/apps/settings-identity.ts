import { Type } from 'typebox';
import { ACCOUNT_ROLES } from '../domain/access.ts';
import { variable } from './setting-variable.ts';

/** How people and systems prove who they are. */
export const IDENTITY_SETTINGS = {
  secondFactorRoles: Type.Array(Type.String({ pattern: `^(none|${ACCOUNT_ROLES.join('|')})$` }), {
    ...variable('HEALTHSYNC_SECOND_FACTOR_ROLES', 'roles separated by commas, or none'),
    maxItems: 20,
    default: ['admin', 'privacy-officer', 'security'],
    description:
      'Whoever has one of these roles signs in with a passkey or a one-time password besides the password, and is led through enrolling one at the first sign-in. Whoever has enrolled one is always asked for it.',
  }),
  oidcIssuer: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_OIDC_ISSUER', 'an https:// address'),
      pattern: '^https://[^\\s#?]+$',
      description:
        'Another OpenID provider that people sign in through, by its issuer; the rest is read from its discovery document. It sends people back to `/api/session/outside/callback`. Passwords of accounts made here go on working.',
    }),
  ),
  oidcClientId: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_OIDC_CLIENT_ID', 'up to 200 printable characters'),
      pattern: '^[\\x21-\\x7e]{1,200}$',
      description: 'Our name at that provider; needed with `HEALTHSYNC_OIDC_ISSUER`.',
    }),
  ),
  oidcClientSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_OIDC_CLIENT_SECRET', 'the secret it gave us'),
      secret: true,
      minLength: 8,
      description:
        'Our secret there. Without one we prove ourselves by our own key (`private_key_jwt`), whose public half it reads at `/oidc/jwks`.',
    }),
  ),
  oidcScopes: Type.Array(Type.String({ pattern: '^[\\x21-\\x7e]{1,100}$' }), {
    ...variable('HEALTHSYNC_OIDC_SCOPES', 'scopes separated by commas'),
    maxItems: 20,
    default: ['openid', 'profile', 'email'],
    description: 'What we ask it for.',
  }),
  oidcGroupsClaim: Type.String({
    ...variable('HEALTHSYNC_OIDC_GROUPS_CLAIM', 'the name of a claim'),
    pattern: '^[\\x21-\\x7e]{1,100}$',
    default: 'groups',
    description: 'The claim in which it names somebody’s groups; see `HEALTHSYNC_ROLE_GROUPS`.',
  }),
  oidcNameClaim: Type.String({
    ...variable('HEALTHSYNC_OIDC_NAME_CLAIM', 'the name of a claim'),
    pattern: '^[\\x21-\\x7e]{1,100}$',
    default: 'preferred_username',
    description: 'The claim that becomes the sign-in name.',
  }),
  oidcAuthority: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_OIDC_CA', 'certificates in PEM'),
      secret: true,
      pattern: '-----BEGIN CERTIFICATE-----',
      description:
        'Authority of the house that vouches for that provider’s certificate, where browsers do not know it.',
    }),
  ),
  roleGroups: Type.Array(
    Type.String({ pattern: `^[^=,]{1,200}=(${ACCOUNT_ROLES.join('|')})(@[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?$` }),
    {
      ...variable('HEALTHSYNC_ROLE_GROUPS', 'pairs such as ICU Nurses=nurse@w3, separated by commas'),
      maxItems: 500,
      default: [],
      description:
        'What groups of the hospital’s directory mean here, whether another provider names them or SCIM sends them: a role, and the ward it is for. Whom no group gives a ward sees the whole house; who is in none of these groups does not come in.',
    },
  ),
};

/** Which of them make no sense without another: given, by which variable, whether the other is there, its variable. */
export function identityNeeds(values: {
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcClientSecret?: string;
}): readonly (readonly [given: boolean, by: string, has: boolean, variable: string])[] {
  const { oidcIssuer, oidcClientId, oidcClientSecret } = values;
  const issuer = [oidcIssuer !== undefined, 'HEALTHSYNC_OIDC_ISSUER'] as const;
  const id = [oidcClientId !== undefined, 'HEALTHSYNC_OIDC_CLIENT_ID'] as const;
  return [
    [...issuer, ...id],
    [...id, ...issuer],
    [oidcClientSecret !== undefined, 'HEALTHSYNC_OIDC_CLIENT_SECRET', ...issuer],
  ];
}
