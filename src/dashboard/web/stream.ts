import type { LiveFigures } from '../../shared/live.js';
import { merge } from './figures.js';

/** `trouble`: connected, but the server cannot read the figures. `refused`: the server wants its token first. */
export type StreamState = 'connecting' | 'live' | 'trouble' | 'reconnecting' | 'refused';

export interface StreamEvents {
  onState(state: StreamState): void;
  onFigures(figures: LiveFigures): void;
}

/** The server says something every 10 seconds at least; longer silence is a dead connection. */
const SILENCE_MS = 15_000;
const SESSION_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/**
 * Keeps a connection to the live stream for as long as somebody can see the page. A hidden one gives it back: a browser
 * has six connections to a server for all of its tabs, and the seventh tab would not even load.
 */
export function connectStream({ onState, onFigures }: StreamEvents): { open(): void } {
  let source: EventSource | undefined;
  let figures: LiveFigures | undefined;
  /** Id of the last message that is in `figures`. */
  let lastId = '';
  let failures = 0;
  let silence = 0;
  let retry = 0;
  /** Somebody opened the stream, and the server did not refuse. */
  let wanted = false;
  /** Tells what waits for an answer that something else was begun meanwhile. */
  let turn = 0;
  let heardMs = performance.now();

  const waitForWord = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  };
  const heard = () => {
    heardMs = performance.now();
    failures = 0;
    waitForWord();
  };
  const close = () => {
    turn++;
    source?.close();
    source = undefined;
    clearTimeout(silence);
    clearTimeout(retry);
  };
  const lost = async () => {
    close();
    const mine = turn;
    onState('reconnecting');
    const isRefused = await refused();
    if (mine !== turn) return;
    if (isRefused) {
      wanted = false;
      onState('refused');
      return;
    }
    retry = setTimeout(connect, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.75 + Math.random() / 2));
  };
  const connect = () => {
    close();
    // Its own reconnects would send the id as a header; these here are ours, for their growing waits.
    source = new EventSource(`api/live/stream${lastId && `?lastEventId=${encodeURIComponent(lastId)}`}`);
    waitForWord();
    source.onerror = lost;
    for (const kind of ['snapshot', 'update'] as const) {
      source.addEventListener(kind, ({ data, lastEventId }: MessageEvent<string>) => {
        heard();
        figures = merge(figures, kind, JSON.parse(data) as Partial<LiveFigures>);
        if (!figures) return;
        lastId = lastEventId;
        onState('live');
        onFigures(figures);
      });
    }
    source.addEventListener('trouble', () => {
      heard();
      onState('trouble');
    });
  };
  /** What is worth a try at once, whatever the wait for the next one is. */
  const wake = () => {
    if (!wanted || document.hidden || source) return;
    // What is shown may be from yesterday.
    if (performance.now() - heardMs > SILENCE_MS) onState('reconnecting');
    connect();
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close();
    else wake();
  });
  addEventListener('online', wake);
  addEventListener('pageshow', wake);
  return {
    open() {
      wanted = true;
      wake();
    },
  };
}

/** An event source does not tell why it failed: ask whether it was for the token. */
async function refused(): Promise<boolean> {
  try {
    const response = await fetch('api/session', { signal: AbortSignal.timeout(SESSION_TIMEOUT_MS) });
    const session = (await response.json()) as { required: boolean; admitted: boolean };
    return session.required && !session.admitted;
  } catch {
    return false;
  }
}
