import type { ExecutionEvent, ExecutionHistory } from '@healthsync/contracts/workflow';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { api } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { ExecutionBadge } from './executions-page.tsx';

/** Every step of one run, as the engine wrote it down. */
export function ExecutionPage() {
  const { executionId } = useParams({ from: '/inside/executions/$executionId' });
  const query = useQuery({
    queryKey: ['execution', executionId],
    queryFn: () => api<ExecutionHistory>(`/api/workflows/executions/${encodeURIComponent(executionId)}`),
    refetchInterval: 5_000,
    gcTime: 0,
  });
  return (
    <main className="page">
      <Awaited query={query} rows={10}>
        {({ execution, current, events }) => (
          <>
            <div className="row page-head">
              <h1>{execution.definition}</h1>
              <ExecutionBadge status={execution.status} />
              <span className="soft">{execution.name}</span>
            </div>
            <p className="soft">
              Began <When at={execution.startedAt} as="recent-millisecond" />
              {execution.endedAt !== undefined && `, ended ${timeText(execution.endedAt, 'recent-millisecond')}`}
              {execution.wakeAt !== undefined &&
                `, goes on by itself ${timeText(execution.wakeAt, 'recent-millisecond')}`}
              {execution.error !== undefined && ` · ${execution.error}`}
              {current.length > 0 && ` · now in ${current.join(', ')}`}
              {' · '}
              <Link to="/executions">All runs</Link>
            </p>
            <ol className="timeline events">
              {events.map((event) => (
                <Event key={event.id} event={event} />
              ))}
            </ol>
            <details className="raw">
              <summary>What it began with{execution.output !== undefined && ', and its result'}</summary>
              <pre className="payload">{pretty(execution.input)}</pre>
              {execution.output !== undefined && <pre className="payload">{pretty(execution.output)}</pre>}
            </details>
          </>
        )}
      </Awaited>
    </main>
  );
}

function Event({ event }: { readonly event: ExecutionEvent }) {
  const { id, timestamp, type, state, input, output, error, cause, resource, index } = event;
  const hasDetail = input !== undefined || output !== undefined;
  return (
    <li data-tone={/Failed|TimedOut|Aborted/.test(type) ? 'bad' : /Entered|Started/.test(type) ? 'act' : 'plain'}>
      <When at={timestamp} as="recent-millisecond" />
      <span>
        <strong>{type}</strong> {state} {index !== undefined && `[${index}]`}{' '}
        {resource !== undefined && <code>{resource}</code>} {error !== undefined && <strong>{error}</strong>} {cause}
        {hasDetail && (
          <details>
            <summary>
              Event {id}:{' '}
              {[input !== undefined && 'input', output !== undefined && 'output'].filter(Boolean).join(', ')}
            </summary>
            {input !== undefined && <pre className="payload">{pretty(input)}</pre>}
            {output !== undefined && <pre className="payload">{pretty(output)}</pre>}
          </details>
        )}
      </span>
    </li>
  );
}

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2);
