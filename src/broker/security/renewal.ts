import type { CancelTimer, Clock } from '../../shared/clock.js';
import type { CertificatePair } from './issue.js';

/** Far more often than a certificate nears its end, so that a failure is tried again many times. */
const LOOK_EVERY_MS = 12 * 3_600_000;

export interface RenewalDeps {
  readonly clock: Clock;
  /** Reads the certificate, or makes it anew when it is near its end. */
  readonly ensure: () => Promise<CertificatePair>;
  readonly onRenewed: (pair: CertificatePair) => void;
  readonly onError: (error: unknown) => void;
}

/** Keeps the certificate of a broker that runs for months good. Returns what ends it. */
export function keepRenewed(deps: RenewalDeps, current: CertificatePair): CancelTimer {
  let cert = current.cert;
  let stopped = false;
  let cancel: CancelTimer = () => {};

  async function look(): Promise<void> {
    try {
      const pair = await deps.ensure();
      if (pair.cert !== cert && !stopped) {
        cert = pair.cert;
        deps.onRenewed(pair);
      }
    } catch (error) {
      deps.onError(error);
    }
    if (!stopped) wait();
  }

  function wait(): void {
    cancel = deps.clock.setTimer(() => void look(), LOOK_EVERY_MS);
  }

  wait();
  return () => {
    stopped = true;
    cancel();
  };
}
