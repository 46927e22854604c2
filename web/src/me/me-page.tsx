import { AccountHead } from '../account/account-head.tsx';
import { Contacts } from './contacts.tsx';
import { PushPanel } from './push-panel.tsx';
import { QuietHoursPanel } from './quiet-hours.tsx';
import { MyTopics } from './topics.tsx';

/** How I am told: where, of what, when not; and this very browser. */
export function MePage() {
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
