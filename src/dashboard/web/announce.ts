import { setText } from './dom.js';

/** Screen readers are told figures this often at the most: one that changes each second would drown all else. */
const FIGURES_EVERY_MS = 30_000;

export interface Announcer {
  /** Tells what the viewer did or must know. */
  now(text: string): void;
  /** Tells a figure, when it is time for one. */
  figure(text: string): void;
}

export function createAnnouncer(region: HTMLElement): Announcer {
  let toldMs = Number.NEGATIVE_INFINITY;
  return {
    now: (text) => setText(region, text),
    figure(text) {
      const nowMs = performance.now();
      if (nowMs - toldMs < FIGURES_EVERY_MS) return;
      toldMs = nowMs;
      setText(region, text);
    },
  };
}
