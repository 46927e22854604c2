import type { Channel, ChannelTestResult, PostChannelTest } from '@healthsync/contracts/channel';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';

/** A message to oneself, or to one of the house's own ends: did it go out, how long did it take, what was said. */
export function ChannelTest({
  channel: { name, endpoints, reachesPeople },
}: {
  readonly channel: Pick<Channel, 'name' | 'endpoints' | 'reachesPeople'>;
}) {
  const { may } = useSession();
  const [busyWith, setBusyWith] = useState<string>();
  const [result, setResult] = useState<ChannelTestResult>();
  const [problem, setProblem] = useState<string>();
  async function send(endpoint: string | undefined): Promise<void> {
    setBusyWith(endpoint ?? 'me');
    setResult(undefined);
    setProblem(undefined);
    try {
      const body: PostChannelTest = endpoint === undefined ? {} : { endpoint };
      setResult(
        await api<ChannelTestResult>(`/api/channels/${encodeURIComponent(name)}/test`, { method: 'POST', body }),
      );
    } catch (error) {
      setProblem(problemText(error));
    }
    setBusyWith(undefined);
  }
  return (
    <>
      {reachesPeople && (
        <button type="button" className="act" disabled={busyWith !== undefined} onClick={() => void send(undefined)}>
          {busyWith === 'me' ? 'Sending…' : 'Send a test to me'}
          <span className="unseen"> by {name}</span>
        </button>
      )}
      {may('channel.write') &&
        endpoints.map((endpoint) => (
          <button
            key={endpoint}
            type="button"
            className="act"
            disabled={busyWith !== undefined}
            onClick={() => void send(endpoint)}
          >
            {busyWith === endpoint ? 'Sending…' : `Test ${endpoint}`}
          </button>
        ))}
      <span role="status" className="test-result">
        {result !== undefined && <Result result={result} />}
        {problem !== undefined && <strong className="chip-warn">✕ {problem}</strong>}
      </span>
    </>
  );
}

function Result({ result: { outcome, reason, receipt, tookMs } }: { readonly result: ChannelTestResult }) {
  const took = `in ${tookMs} ms`;
  switch (outcome) {
    case 'delivered':
      return (
        <span className="fine">
          ✓ Delivered {took}
          {receipt !== undefined && ` (${receipt})`}
        </span>
      );
    case 'transient':
      return (
        <strong className="chip-warn">
          ✕ Not now, {took}: {reason}. An alarm would be tried again.
        </strong>
      );
    case 'permanent':
      return (
        <strong className="chip-warn">
          ✕ Refused, {took}: {reason}. An alarm would not get through either.
        </strong>
      );
    default:
      return outcome satisfies never;
  }
}
