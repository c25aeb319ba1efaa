import type { MetricDescription } from '../../shared/live-catalogue.js';
import { SESSION_GAP_MS } from '../../shared/live-keys.js';

/** Over which time a metric looks. All kinds are kept as panes of equal width, and windows are merged from panes. */
export type Window = EventWindow | SessionWindow;

/** Those in which each event counts by its own time. */
export type EventWindow =
  | { readonly kind: 'tumbling'; readonly sizeMs: number }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly everyMs: number }
  | { readonly kind: 'rolling'; readonly lastMs: number; readonly paneMs: number };

export interface SessionWindow {
  readonly kind: 'session';
  readonly gapMs: number;
  readonly lastMs: number;
  readonly paneMs: number;
}

/** One window after the other. */
export const tumbling = (sizeMs: number) => ({ kind: 'tumbling', sizeMs }) as const;

/** Windows of `sizeMs` that begin every `everyMs` and share their panes. */
export const hopping = (sizeMs: number, everyMs: number) => ({ kind: 'hopping', sizeMs, everyMs }) as const;

/** The last `lastMs`, moving on with each pane. */
export const rolling = (lastMs: number, paneMs: number) => ({ kind: 'rolling', lastMs, paneMs }) as const;

/** The sessions that began in the last `lastMs`, by the pane of their start. */
export const session = (lastMs: number, paneMs: number): SessionWindow => ({
  kind: 'session',
  gapMs: SESSION_GAP_MS,
  lastMs,
  paneMs,
});

type Layout = Pick<MetricDescription, 'paneMs' | 'windowPanes' | 'stepPanes' | 'seriesWindows' | 'figurePanes'>;

/** How a window is laid out in panes, and what is shown of it. */
export function layoutOf(window: Window, seriesWindows: number): Layout {
  switch (window.kind) {
    case 'tumbling':
      return { paneMs: window.sizeMs, windowPanes: 1, stepPanes: 1, seriesWindows, figurePanes: 1 };
    case 'hopping': {
      const paneMs = commonPart(window.sizeMs, window.everyMs);
      const windowPanes = window.sizeMs / paneMs;
      return { paneMs, windowPanes, stepPanes: window.everyMs / paneMs, seriesWindows, figurePanes: windowPanes };
    }
    default: {
      const figurePanes = window.lastMs / window.paneMs;
      return { paneMs: window.paneMs, windowPanes: 1, stepPanes: 1, seriesWindows, figurePanes };
    }
  }
}

/** The greatest common divisor. */
const commonPart = (a: number, b: number): number => (b === 0 ? a : commonPart(b, a % b));
