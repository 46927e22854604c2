import type { ReactNode } from 'react';
import { problemText } from '../api.ts';
import { When } from '../times/when.tsx';

/** Of a question to the server, what is needed to show how it stands; asked page by page or at once. */
interface Asked<Data> {
  readonly data: Data | undefined;
  readonly isError: boolean;
  readonly error: Error | null;
  readonly dataUpdatedAt: number;
  refetch(): Promise<unknown>;
}

/**
 * What the server was asked for: a skeleton until it answers, never zeros; its refusal in words, with the role that
 * would do; and, where a later question failed, what is known with the hour it is from.
 */
export function Awaited<Data>({
  query,
  rows = 4,
  children,
}: {
  readonly query: Asked<Data>;
  /** About as many as will come, so that the page does not jump. */
  readonly rows?: number;
  readonly children: (data: Data) => ReactNode;
}) {
  if (query.data === undefined)
    return query.isError ? (
      <Refused error={query.error} retry={() => void query.refetch()} />
    ) : (
      <Skeleton rows={rows} />
    );
  return (
    <>
      {query.isError && (
        <p className="outdated" role="alert">
          As of <When at={query.dataUpdatedAt} as="clock-second" />; the server could not be asked again.{' '}
          {problemText(query.error)}
        </p>
      )}
      {children(query.data)}
    </>
  );
}

function Refused({ error, retry }: { readonly error: Error | null; readonly retry: () => void }) {
  return (
    <div className="refused" role="alert">
      <p>{problemText(error)}</p>
      <button type="button" className="plain-button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function Skeleton({ rows }: { readonly rows: number }) {
  return (
    <div className="skeletons" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey bars have no other identity
        <div key={row} className="skeleton" />
      ))}
      <WaitsLong />
    </div>
  );
}

/** In words once it takes longer than an answer ever should: whoever waits must know that nothing is known yet. */
export function WaitsLong() {
  return <p className="waits-long">Still waiting for the server: nothing is known yet.</p>;
}
