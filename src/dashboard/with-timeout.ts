import type { Clock } from '../shared/clock.js';
import { DashboardError } from './errors.js';

/** @throws DashboardError PS_DASHBOARD_READ_TIMEOUT when the figures do not come within `timeoutMs`. */
export function withTimeout<T>(figures: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(
      () => reject(new DashboardError('PS_DASHBOARD_READ_TIMEOUT', `no live figures after ${timeoutMs} ms`)),
      timeoutMs,
    );
    figures.then(resolve, reject).finally(cancel);
  });
}
