import type { Channel, ChannelList } from '@healthsync/contracts/channel';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { ageText } from '../live/freshness.ts';
import { useSeconds, useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { ChannelTest } from './channel-test.tsx';
import { PolicyDialog } from './policy-dialog.tsx';
import { Subscribers } from './subscribers.tsx';

export const TYPE_WORDS: Readonly<Record<string, string>> = {
  smtp: 'Mail',
  webhook: 'Webhook',
  'web-push': 'Push to browsers',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  pagerduty: 'PagerDuty',
  sms: 'Text message',
  whatsapp: 'WhatsApp',
};

export const LEVEL_WORDS: Readonly<Record<Channel['policy']['level'], string>> = {
  minimal: 'bed and priority',
  standard: 'bed, priority, what kind',
  detailed: 'also value and limit',
  rich: 'also the name, and a chart',
};

/** The ways out of the house: how each fares, what it may say, and a message to try it with. */
export function ChannelsPage() {
  const { may } = useSession();
  const query = useQuery({
    queryKey: ['channels'],
    queryFn: () => api<ChannelList>('/api/channels'),
    refetchInterval: 10_000,
  });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Channels</h1>
        <span className="soft">Which there are and their addresses is set in the configuration.</span>
      </div>
      <Awaited query={query} rows={6}>
        {({ channels }) =>
          channels.length === 0 ? (
            <p className="empty">No channel is configured: alarms are shown on screens and told to nobody.</p>
          ) : (
            <ul className="channels">
              {channels.map((channel) => (
                <ChannelCard key={channel.name} channel={channel} />
              ))}
            </ul>
          )
        }
      </Awaited>
      {may('channel.write') && <Subscribers />}
    </main>
  );
}

function ChannelCard({ channel }: { readonly channel: Channel }) {
  const { may } = useSession();
  const [isEditing, setEditing] = useState(false);
  const { name, type, policy } = channel;
  return (
    <li className="panel channel">
      <div className="row">
        <h2>{name}</h2>
        <span className="soft">{TYPE_WORDS[type]}</span>
        <span className="state row-end" data-state={channel.health.state}>
          {STATE_WORDS[channel.health.state]}
        </span>
      </div>
      <ChannelHealth health={channel.health} />
      <dl className="facts">
        <div>
          <dt>Says</dt>
          <dd>
            {LEVEL_WORDS[policy.level]}
            {policy.confidential && ' (confidential)'}
          </dd>
        </div>
        <div>
          <dt>Answers</dt>
          <dd>{policy.answers ? 'can acknowledge from there' : 'no'}</dd>
        </div>
        <div>
          <dt>At most</dt>
          <dd>
            {policy.limits.recipient.perMinute}/min each, {policy.limits.channel.perMinute}/min in all
          </dd>
        </div>
        {policy.setBy !== undefined && (
          <div>
            <dt>Policy</dt>
            <dd>
              version {policy.version}, {isolated(policy.setBy)}: {policy.reason}
            </dd>
          </div>
        )}
      </dl>
      <div className="row">
        <ChannelTest channel={channel} />
        {may('channel.write') && (
          <button type="button" className="act" onClick={() => setEditing(true)}>
            What it may say
          </button>
        )}
      </div>
      {isEditing && <PolicyDialog channel={channel} onClose={() => setEditing(false)} />}
    </li>
  );
}

export const STATE_WORDS = { unused: 'not used yet', up: 'delivers', failing: '✕ fails' } as const;

export function ChannelHealth({ health }: { readonly health: Channel['health'] }) {
  const { store } = useServices();
  useSeconds();
  const ago = (at: string) => `${ageText(store.clock.now() - Date.parse(at))} ago`;
  const { lastDeliveredAt, lastFailedAt, lastFailure, failedInARow, waiting, oldestWaitingAt } = health;
  return (
    <p className="channel-health">
      {lastDeliveredAt !== undefined && <span>delivered {ago(lastDeliveredAt)}</span>}
      {failedInARow > 0 && (
        <strong className="chip-warn">
          {failedInARow} failed in a row{lastFailedAt !== undefined && `, the last ${ago(lastFailedAt)}`}
          {lastFailure !== undefined && `: ${lastFailure}`}
        </strong>
      )}
      {waiting > 0 && (
        <span>
          {waiting} waiting{oldestWaitingAt !== undefined && `, the oldest since ${ago(oldestWaitingAt)}`}
        </span>
      )}
    </p>
  );
}
