import { roleText } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { Contacts } from './contacts.tsx';
import { PushPanel } from './push-panel.tsx';
import { QuietHoursPanel } from './quiet-hours.tsx';
import { MyTopics } from './topics.tsx';

/** How I am told: where, of what, when not; and this very browser. */
export function MePage() {
  const { me } = useSession();
  return (
    <main className="page me">
      <div className="row page-head">
        <h1>How I am told</h1>
        <span className="soft">
          {me.displayName} · {me.roles.map(roleText).join(', ')}
        </span>
      </div>
      <div className="me-columns">
        <Contacts />
        <PushPanel />
        <MyTopics />
        <QuietHoursPanel path="/api/me/quiet-hours" title="My quiet hours" mayWrite />
      </div>
    </main>
  );
}
