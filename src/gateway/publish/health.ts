import { backoffMs } from '../../shared/backoff.js';
import type { CancelTimer, Clock } from '../../shared/clock.js';
import { messageOf } from '../../shared/errors.js';

/** `connecting` until the first success. Only an `up` sink is given events. */
export type SinkState = 'connecting' | 'up' | 'down';

export interface HealthReport {
  readonly state: SinkState;
  /** ISO 8601 time of the last change of state. */
  readonly since: string;
  readonly lastError?: string;
}

export interface HealthDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** Tries to reach the broker. */
  readonly probe: () => Promise<void>;
  readonly onChange: (report: HealthReport) => void;
}

const BACKOFF = { firstDelayMs: 200, maxDelayMs: 2000 };

/**
 * Knows whether a broker can be reached. After a failure it is taken as away, so that requests are answered at once and
 * nobody waits for an attempt of their own, until a probe in the background gets through.
 */
export function createHealth(deps: HealthDeps) {
  let state: SinkState = 'connecting';
  let sinceMs = deps.clock.now();
  let lastError: string | undefined;
  let attempt = 0;
  let cancel: CancelTimer = () => {};
  let probing = false;
  let stopped = false;

  const report = (): HealthReport => ({
    state,
    since: new Date(sinceMs).toISOString(),
    ...(lastError === undefined ? {} : { lastError }),
  });
  const change = (next: SinkState) => {
    if (state === next) return;
    state = next;
    sinceMs = deps.clock.now();
    deps.onChange(report());
  };
  const schedule = () => {
    cancel();
    cancel = deps.clock.setTimer(() => void probe(), backoffMs(attempt++, BACKOFF, deps.random));
  };
  /** One at a time: what it finds out holds for all who asked meanwhile. */
  const probe = async () => {
    if (probing || stopped) return;
    probing = true;
    cancel();
    try {
      await deps.probe();
      probing = false;
      if (stopped) return;
      attempt = 0;
      lastError = undefined;
      change('up');
    } catch (error) {
      probing = false;
      if (stopped) return;
      lastError = messageOf(error);
      change('down');
      schedule();
    }
  };

  return {
    report,
    isUp: () => state === 'up',
    /** Begins to probe; resolves after the first attempt, whatever came of it. */
    start: probe,
    /** A send failed. Several failures of one outage are one. */
    fail(error: Error) {
      lastError = messageOf(error);
      if (state !== 'up' || stopped) return;
      change('down');
      if (!probing) schedule();
    },
    /** A connection ended while nobody waited for it, as idle ones do: looks whether there can be another. */
    check: () => void probe(),
    stop() {
      stopped = true;
      cancel();
    },
  };
}

export type Health = ReturnType<typeof createHealth>;
