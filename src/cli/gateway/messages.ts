import type { Counted, PeerAnswers } from '../../gateway/index.js';

export interface Question {
  readonly question: keyof PeerAnswers;
  readonly about?: string | undefined;
}

/** What a worker tells the process that started it, beside that it is ready. */
export type FromWorker =
  | ({ readonly type: 'ask'; readonly id: number } & Question)
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'counted'; readonly counts: readonly Counted[] }
  /** The spool that a former worker left is empty. */
  | { readonly type: 'drained' };

/** What that process tells a worker. */
export type ToWorker =
  | ({ readonly type: 'asked'; readonly id: number } & Question)
  | { readonly type: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | { readonly type: 'counted'; readonly counts: readonly Counted[] };
