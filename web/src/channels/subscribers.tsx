import type { TopicSubscription, TopicSubscriptionList } from '@healthsync/contracts/topic';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, problemText } from '../api.ts';
import { useWardName } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { showToast } from '../widgets/toast.ts';

/** Who and what is told of which topic, whatever an escalation does. */
export function Subscribers() {
  const queries = useQueryClient();
  const wardName = useWardName();
  const query = useQuery({ queryKey: ['topics'], queryFn: () => api<TopicSubscriptionList>('/api/topics') });
  async function end(id: string): Promise<void> {
    try {
      await api(`/api/topics/subscriptions/${encodeURIComponent(id)}`, { method: 'DELETE' });
    } catch (error) {
      showToast(problemText(error));
    }
    await queries.invalidateQueries({ queryKey: ['topics'] });
  }
  return (
    <section>
      <h2>Subscriptions</h2>
      <Awaited query={query} rows={3}>
        {({ subscriptions }) =>
          subscriptions.length === 0 ? (
            <p className="soft">None.</p>
          ) : (
            <div className="table-box">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">Topic</th>
                    <th scope="col">Who</th>
                    <th scope="col">Which happenings</th>
                    <th scope="col">From</th>
                  </tr>
                </thead>
                <tbody>
                  {subscriptions.map((one) => (
                    <tr key={one.id}>
                      <td className="nowrap">{topicText(one.topic, wardName)}</td>
                      <td>{whoText(one.subscriber)}</td>
                      <td>{one.events?.join(', ') ?? 'raised, and returned after a while'}</td>
                      <td>
                        {one.source === 'settings' ? (
                          <span className="soft">configuration</span>
                        ) : (
                          <button type="button" className="plain-button" onClick={() => void end(one.id)}>
                            End<span className="unseen"> {one.topic}</span>
                          </button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Awaited>
    </section>
  );
}

function whoText(subscriber: TopicSubscription['subscriber']): string {
  return subscriber.kind === 'user'
    ? (subscriber.name ?? subscriber.userId)
    : `${subscriber.recipient} by ${subscriber.channel}`;
}

/** `alarms.high.W3` as a person says it. */
export function topicText(topic: string, wardName: (wardId: string) => string): string {
  const [kind = '', priority = '*', ward = '*'] = topic.split('.');
  const what = kind === 'alarms' ? 'alarms' : kind === 'technical' ? 'technical alarms' : 'alarms of the installation';
  return `${priority === '*' ? 'all' : priority} ${what}${ward === '*' ? '' : ` of ${wardName(ward)}`}`;
}
