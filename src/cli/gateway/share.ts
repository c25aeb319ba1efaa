import type { GatewayOptions } from '../../gateway/index.js';
import { PenstockError } from '../../shared/errors.js';

/**
 * What one of several workers may have of what is bounded for the gateway as a whole. What is counted is shared instead.
 * @throws PenstockError PS_CONFIG_INVALID when it would be too little for the largest body
 */
export function shareOf<Options extends GatewayOptions>(options: Options, workers: number): Options {
  const share = (amount: number) => Math.floor(amount / workers);
  const { limits, spool, http, recall } = options;
  const pendingBytes = share(limits.pendingBytes);
  // Large bodies may take half of the memory for requests.
  if (workers > 1 && pendingBytes < 2 * limits.bodyBytes) {
    throw new PenstockError(
      'PS_CONFIG_INVALID',
      `gateway.limits.pendingBytes (${limits.pendingBytes}) is too little for gateway.workers (${workers}): each of them ` +
        `needs twice gateway.limits.bodyBytes (${limits.bodyBytes})`,
    );
  }
  return {
    ...options,
    limits: { ...limits, pendingBytes },
    // None is none; a little is not.
    spool: { ...spool, bytes: spool.bytes === 0 ? 0 : Math.max(1, share(spool.bytes)) },
    http: { ...http, connections: Math.max(1, share(http.connections)) },
    recall: { ...recall, events: share(recall.events) },
  };
}

/**
 * What a process gets that takes no events, and only empties the spool of a worker that there is no more: a spool, also
 * where nothing is put into one any more.
 */
export function shareToDrain<Options extends GatewayOptions>(options: Options): Options {
  const { spool } = options;
  return { ...options, spool: { ...spool, bytes: Math.max(1, spool.bytes) } };
}
