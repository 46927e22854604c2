import type { PutMyTopics, TopicSubscription, TopicSubscriptionList } from '@healthsync/contracts/topic';
import { Button, Select } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { topicText } from '../channels/subscribers.tsx';
import { useWardName, useWardNames } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';

const KEY = ['my-topics'];
type Wanted = PutMyTopics['subscriptions'][number];

/** What I am told of besides the alarms that an escalation brings to me. */
export function MyTopics() {
  const queries = useQueryClient();
  const wardName = useWardName();
  const saving = useSaving();
  const query = useQuery({ queryKey: KEY, queryFn: () => api<TopicSubscriptionList>('/api/me/topics'), gcTime: 0 });
  const wards = useWardNames();
  const [kind, setKind] = useState('alarms');
  const [priority, setPriority] = useState('high');
  const [ward, setWard] = useState('*');
  const put = (subscriptions: Wanted[]) =>
    saving.run(async () => {
      const version = query.data?.version;
      const body: PutMyTopics = { subscriptions, ...(version !== undefined && { version }) };
      try {
        queries.setQueryData(KEY, await api<TopicSubscriptionList>('/api/me/topics', { method: 'PUT', body }));
      } catch (error) {
        await query.refetch();
        throw error;
      }
    });
  return (
    <section className="panel" aria-label="My subscriptions">
      <h2>What I am told of besides</h2>
      <Awaited query={query} rows={2}>
        {({ subscriptions }) => (
          <>
            <SaveProblem saving={saving} shown={[]} />
            {subscriptions.length === 0 && <p className="soft">Only what an escalation brings to you.</p>}
            <ul className="contacts">
              {subscriptions.map((one) => (
                <li key={one.id} className="contact row">
                  <strong>{topicText(one.topic, wardName)}</strong>
                  {one.source === 'settings' ? (
                    <span className="soft">from the configuration</span>
                  ) : (
                    <button
                      type="button"
                      className="plain-button"
                      onClick={() =>
                        void put(subscriptions.filter((other) => other !== one && isMine(other)).map(wire))
                      }
                    >
                      End<span className="unseen"> {topicText(one.topic, wardName)}</span>
                    </button>
                  )}
                </li>
              ))}
            </ul>
            <div className="pair">
              <Select
                label="Of"
                data={[
                  { value: 'alarms', label: 'alarms' },
                  { value: 'technical', label: 'technical alarms' },
                ]}
                value={kind}
                allowDeselect={false}
                onChange={(value) => setKind(value ?? 'alarms')}
              />
              <Select
                label="Priority"
                data={[{ value: '*', label: 'all' }, 'high', 'medium', 'low']}
                value={priority}
                allowDeselect={false}
                onChange={(value) => setPriority(value ?? '*')}
              />
              <Select
                label="Ward"
                data={[
                  { value: '*', label: 'all of mine' },
                  ...(wards.data?.wards ?? []).map(({ id, name }) => ({ value: id, label: name })),
                ]}
                value={ward}
                allowDeselect={false}
                onChange={(value) => setWard(value ?? '*')}
              />
              <Button
                className="align-end"
                loading={saving.isBusy}
                onClick={() =>
                  void put([...subscriptions.filter(isMine).map(wire), { topic: `${kind}.${priority}.${ward}` }])
                }
              >
                Subscribe
              </Button>
            </div>
          </>
        )}
      </Awaited>
    </section>
  );
}

const isMine = ({ source }: TopicSubscription): boolean => source === 'app';
const wire = ({ topic, minPriority, events }: TopicSubscription): Wanted => ({
  topic,
  ...(minPriority !== undefined && { minPriority }),
  ...(events !== undefined && { events }),
});
