import type { PushSubscriptionList } from '@healthsync/contracts/push';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, problemText } from '../api.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { type PushState, pushState, startPush, stopPush } from './push.ts';

/** Alarms on this very device, also while the page is closed: asked for, never assumed. */
export function PushPanel() {
  const queries = useQueryClient();
  const [state, setState] = useState<PushState>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const list = useQuery({
    queryKey: ['push-subscriptions'],
    queryFn: () => api<PushSubscriptionList>('/api/push/subscriptions'),
    gcTime: 0,
  });
  useEffect(() => {
    void pushState().then(setState);
  }, []);
  async function change(action: () => Promise<unknown>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      await action();
    } catch (error) {
      setProblem(error instanceof DOMException ? error.message : problemText(error));
    }
    setState(await pushState());
    await queries.invalidateQueries({ queryKey: ['push-subscriptions'] });
    setBusy(false);
  }
  return (
    <section className="panel" aria-label="Push to this browser">
      <h2>This browser</h2>
      <p className="soft">Alarms appear on this device also while the page is closed, with bed and priority only.</p>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      {state === 'unsupported' && <p>This browser cannot be pushed to.</p>}
      {state === 'denied' && (
        <p>Notifications are blocked for this site; the browser’s own settings allow them again.</p>
      )}
      {state === 'off' && (
        <Button loading={isBusy} onClick={() => void change(startPush)}>
          Push alarms to this browser
        </Button>
      )}
      {state === 'on' && (
        <div className="row">
          <span className="fine">✓ This browser is pushed to.</span>
          <Button variant="default" loading={isBusy} onClick={() => void change(stopPush)}>
            No longer
          </Button>
        </div>
      )}
      <Awaited query={list} rows={1}>
        {({ subscriptions }) => (
          <ul className="contacts">
            {subscriptions.map(({ id, service, createdAt }) => (
              <li key={id} className="soft">
                a browser by {service}, since <When at={createdAt} as="day" />
              </li>
            ))}
          </ul>
        )}
      </Awaited>
    </section>
  );
}
