import { Link } from '@tanstack/react-router';
import { roleText } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { useWardName } from '../wall/ward-name.ts';
import { isolated } from '../widgets/own-direction.ts';

const PARTS = [
  { to: '/me', label: 'How I am told' },
  { to: '/my-sign-in', label: 'How I sign in' },
  { to: '/my-access', label: 'Sessions and keys' },
] as const;

/** Over everything that is one's own: who one is here, and its parts. */
export function AccountHead() {
  const { me } = useSession();
  const wardName = useWardName();
  const wards = (me.wards ?? []).map(wardName);
  return (
    <div className="account-head">
      <div className="row page-head">
        <h1>My account</h1>
        <span className="soft account-who">
          {isolated(me.displayName)} · {me.roles.map(roleText).join(', ')}
          {me.organisation !== undefined && ` · ${me.organisation}`}
          {wards.length > 0 && ` · ${wards.join(', ')}`}
        </span>
      </div>
      <nav className="tabs" aria-label="My account">
        {PARTS.map(({ to, label }) => (
          <Link key={to} to={to}>
            {label}
          </Link>
        ))}
      </nav>
    </div>
  );
}
