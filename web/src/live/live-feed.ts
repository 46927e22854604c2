import type { LiveAlert, LiveBeat, LiveSnapshot, LiveVitals } from '@healthsync/contracts/live';
import type { LiveSystemAlarm } from '@healthsync/contracts/system-alarm';
import type { LiveStore } from './live-store.ts';

/** The server sends something at least every 2 s; two lost beats and a little is silence. */
export const SILENCE_MS = 5_000;
/** So that the banner stands within 7 s of the last thing heard, also in a busy page. */
const WATCH_EVERY_MS = 500;
/** A connection that has not brought its snapshot by then is given up for another try. */
const OPENING_MS = 8_000;
const BACKOFF_FIRST_MS = 500;
/** A wall must be back soon after the server is; thousands of walls must not come back in one instant (see jitter). */
const BACKOFF_MAX_MS = 8_000;

/**
 * Keeps the live stream open and the store fed, for as long as the page is there. The browser's own reconnection is not
 * used: it does not notice a server that holds the line and says nothing.
 */
export function startLiveFeed(
  store: LiveStore,
  options: {
    readonly ward: string | undefined;
    readonly onSignedOut: () => void;
    /** True when the session is over: asked after a refused connection, which a browser reports without a reason. */
    readonly isSignedOut: () => Promise<boolean>;
    readonly random: () => number;
  },
): () => void {
  let source: EventSource | undefined;
  let failures = 0;
  let heardAt = performance.now();
  let openedAt = 0;
  let hasSnapshot = false;
  let isStopped = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const watch = setInterval(checkSilence, WATCH_EVERY_MS);
  open();

  function open(): void {
    if (isStopped) return;
    const query = options.ward === undefined ? '' : `?ward=${encodeURIComponent(options.ward)}`;
    const stream = new EventSource(`/api/live${query}`);
    source = stream;
    hasSnapshot = false;
    openedAt = performance.now();
    listen<LiveSnapshot>(stream, 'snapshot', (snapshot) => {
      hasSnapshot = true;
      failures = 0;
      store.applySnapshot(snapshot);
      store.setFeed({ kind: 'live' });
    });
    listen<LiveVitals>(stream, 'vitals', store.applyVitals);
    listen<LiveAlert>(stream, 'alert', store.applyAlert);
    listen<LiveSystemAlarm>(stream, 'system', store.applySystem);
    listen<LiveBeat>(stream, 'beat', ({ serverTime }) => store.clock.hear(serverTime));
    listen<LiveBeat>(stream, 'overflow', () => reopen());
    listen<LiveBeat>(stream, 'signed-out', () => signOut());
    stream.onerror = () => void askThenReopen(stream);
  }

  function listen<Data>(stream: EventSource, name: string, apply: (data: Data) => void): void {
    stream.addEventListener(name, (event) => {
      if (stream !== source) return;
      heardAt = performance.now();
      apply(JSON.parse((event as MessageEvent<string>).data));
    });
  }

  async function askThenReopen(stream: EventSource): Promise<void> {
    if (stream !== source) return;
    stream.close();
    source = undefined;
    if (await options.isSignedOut()) signOut();
    else reopen();
  }

  function reopen(): void {
    source?.close();
    source = undefined;
    if (isStopped) return;
    const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures) * (0.5 + options.random() / 2);
    failures += 1;
    clearTimeout(retry);
    retry = setTimeout(open, wait);
  }

  function signOut(): void {
    source?.close();
    source = undefined;
    if (isStopped) return;
    store.setFeed({ kind: 'signed-out', sinceMs: store.clock.now() });
    options.onSignedOut();
  }

  function checkSilence(): void {
    const now = performance.now();
    const silence = now - heardAt;
    if (silence < SILENCE_MS) return;
    if (store.feed().kind !== 'signed-out') store.setFeed({ kind: 'down', sinceMs: store.clock.now() - silence });
    const isOpening = source !== undefined && !hasSnapshot;
    if (source !== undefined && now - openedAt > (isOpening ? OPENING_MS : SILENCE_MS)) reopen();
  }

  return () => {
    isStopped = true;
    clearInterval(watch);
    clearTimeout(retry);
    source?.close();
  };
}
