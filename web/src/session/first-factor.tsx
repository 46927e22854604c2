import type { FactorAdded, Me } from '@healthsync/contracts/session';
import { useState } from 'react';
import { AddFactor } from './add-factor.tsx';
import { RecoveryCodeSheet } from './recovery-codes.tsx';
import type { OnSignedIn } from './sign-in.tsx';

/** Somebody whose roles demand a second factor, at their first sign-in: one is made, and then they are in. */
export function FirstFactor({ onSignedIn }: { readonly onSignedIn: OnSignedIn }) {
  const [made, setMade] = useState<{ readonly codes: readonly string[]; readonly me: Me }>();

  async function added({ recoveryCodes, me }: FactorAdded): Promise<void> {
    if (me === undefined) return location.assign('/');
    if (recoveryCodes === undefined) await onSignedIn(me);
    else setMade({ codes: recoveryCodes, me });
  }

  if (made !== undefined) return <RecoveryCodeSheet codes={made.codes} onDone={() => void onSignedIn(made.me)} />;
  return (
    <>
      <h2 className="door-title">Your account needs a second factor</h2>
      <p className="door-note">
        What you may do here asks for more than a password: a passkey on this device or a key, or codes from an app on
        your phone.
      </p>
      <AddFactor onAdded={added} />
    </>
  );
}
