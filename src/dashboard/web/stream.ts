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
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** Keeps a connection to the live stream for as long as the page is open. */
export function connectStream({ onState, onFigures }: StreamEvents): { open(): void } {
  let source: EventSource | undefined;
  let figures: LiveFigures | undefined;
  /** Id of the last message that is in `figures`. */
  let lastId = '';
  let failures = 0;
  let silence = 0;
  let retry = 0;

  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  };
  const close = () => {
    source?.close();
    clearTimeout(silence);
    clearTimeout(retry);
  };
  const lost = async () => {
    close();
    onState('reconnecting');
    if (await refused()) {
      onState('refused');
      return;
    }
    retry = setTimeout(open, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++) * (0.75 + Math.random() / 2));
  };
  const open = () => {
    close();
    // Its own reconnects would send the id as a header; these here are ours, for their growing waits.
    source = new EventSource(`/api/live/stream${lastId && `?lastEventId=${encodeURIComponent(lastId)}`}`);
    heard();
    source.onerror = lost;
    for (const kind of ['snapshot', 'update'] as const) {
      source.addEventListener(kind, ({ data, lastEventId }: MessageEvent<string>) => {
        heard();
        failures = 0;
        figures = merge(figures, kind, JSON.parse(data) as Partial<LiveFigures>);
        if (!figures) return;
        lastId = lastEventId;
        onState('live');
        onFigures(figures);
      });
    }
    source.addEventListener('trouble', () => {
      heard();
      failures = 0;
      onState('trouble');
    });
  };
  return { open };
}

/** An event source does not tell why it failed: ask whether it was for the token. */
async function refused(): Promise<boolean> {
  try {
    const response = await fetch('/api/session');
    const session = (await response.json()) as { required: boolean; admitted: boolean };
    return session.required && !session.admitted;
  } catch {
    return false;
  }
}
