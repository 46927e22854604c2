import { AccountHead } from '../account/account-head.tsx';
import { useSession } from '../session/session.tsx';
import { Contacts } from './contacts.tsx';
import { PushPanel } from './push-panel.tsx';
import { QuietHoursPanel } from './quiet-hours.tsx';
import { MyTopics } from './topics.tsx';

/** How I am told: where, of what, when not; and this very browser. */
export function MePage() {
  const { may } = useSession();
  if (!may('own.reach'))
    return (
      <main className="page me">
        <AccountHead />
        <p>A screen on the wall is told of alarms by showing them: it has no addresses of its own.</p>
      </main>
    );
  return (
    <main className="page me">
      <AccountHead />
      <div className="me-columns">
        <Contacts />
        <PushPanel />
        <MyTopics />
        <QuietHoursPanel path="/api/me/quiet-hours" title="My quiet hours" mayWrite />
      </div>
    </main>
  );
}
