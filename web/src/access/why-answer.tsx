import type { AccessWhy } from '@healthsync/contracts/access';
import { anyRoleText, roleText } from '../session/role-words.ts';
import { When } from '../times/when.tsx';
import { useWardName } from '../wall/ward-name.ts';
import { isolated } from '../widgets/own-direction.ts';
import { PolicyList } from './policy-list.tsx';

const OBLIGATION_WORDS = {
  'second-factor': 'They would first have to show afresh that it is them.',
  'own-second-factor': 'They would first have to add a second factor, and show it.',
  'break-glass': 'In an emergency they could open it, with a reason, and it would be reviewed.',
} as const;

/** Yes or no, the policies that decided, and everything these were shown. */
export function WhyAnswer({ why }: { readonly why: AccessWhy }) {
  const wardName = useWardName();
  const { user, allowed, summary, policies, attributes, rolesNeeded = [], obligation, emergency, askedAt } = why;
  const { resource } = why;
  // Where no policy permits it the answer itself names them.
  const isRoleMissing =
    policies.length > 0 && rolesNeeded.length > 0 && !rolesNeeded.some((role) => user.roles.includes(role));
  return (
    <div className="panel">
      <h2 className="verdict" data-allowed={allowed || undefined}>
        {allowed ? '✓' : '✕'} {summary}
      </h2>
      <p className="soft">
        {isolated(user.displayName)} ({user.name}): {user.roles.map(roleText).join(', ') || 'no role'};{' '}
        {user.wardIds.length === 0 ? 'every ward' : user.wardIds.map(wardName).join(', ')} · asked{' '}
        <When at={askedAt} as="second" zone="named" />
      </p>
      {emergency !== undefined && (
        <p className="chip-warn">
          ⚠ Emergency access, open until <When at={emergency.until} as="second" zone="named" />.
        </p>
      )}
      {resource.kind === 'patient' && resource.wardId === undefined && (
        <p className="chip-warn">⚠ Nobody with this id lies in a ward now: mistyped, gone, or not here yet.</p>
      )}
      {obligation !== undefined && <p>{OBLIGATION_WORDS[obligation]}</p>}
      {isRoleMissing && <p>Roles that may: {anyRoleText(rolesNeeded)}.</p>}
      <h3 className="terms-title">{policies.length === 0 ? 'No policy permits it' : 'Decided by'}</h3>
      <PolicyList policies={policies} />
      <h3 className="terms-title">What they looked at</h3>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Is</th>
              <th scope="col">In the policies</th>
            </tr>
          </thead>
          <tbody>
            {attributes.map(({ name, value, words }) => (
              <tr key={name}>
                <td>{words}</td>
                <td>{valueText(name, value, wardName)}</td>
                <td className="soft">
                  <code>{name}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** `yes`, a role, a ward: as they are called everywhere else. */
function valueText(name: string, value: string, wardName: (id: string) => string): string {
  if (value === 'true' || value === 'false') return value === 'true' ? 'yes' : 'no';
  const each = (text: (id: string) => string) => value.split(', ').map(text).join(', ');
  if (name === 'principal.roles') return each(roleText);
  return name === 'principal.wards' || name === 'resource.ward' ? each(wardName) : value;
}
