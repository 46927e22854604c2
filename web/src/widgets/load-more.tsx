interface Paged {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  fetchNextPage(): Promise<unknown>;
}

/** Under a list that comes in pages: the next one, while there is one. */
export function LoadMore({ query, words = 'More' }: { readonly query: Paged; readonly words?: string }) {
  if (!query.hasNextPage) return null;
  return (
    <button type="button" className="plain-button more" onClick={() => void query.fetchNextPage()}>
      {query.isFetchingNextPage ? 'Loading…' : words}
    </button>
  );
}
