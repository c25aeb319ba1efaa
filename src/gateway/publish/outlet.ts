import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { PublishError } from '../../messaging/index.js';
import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { InTurn } from '../../shared/turns.js';
import { GatewayError } from '../errors.js';
import type { Spool } from '../spool/index.js';
import { createLane, type Lane, type LaneOptions } from './lane.js';
import type { SpooledItem } from './passenger.js';
import { createSpooledLane, type SpooledLane } from './spooled-lane.js';

export interface OutletDeps {
  readonly clock: Clock;
  readonly defer: (task: () => void) => void;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** A batch was settled by its broker, or failed. */
  readonly onBatch: (destination: string, tookMs: number, settled: boolean) => void;
  /** Undefined: what a broker that is away cannot take is refused. */
  readonly spool: Spool | undefined;
  /** Where there is no spool: one of an earlier start with something in it, which is emptied and takes nothing more. */
  readonly left?: Spool | undefined;
}

/** One ordered way into a broker as its destination sees it. */
export interface OutletPort<Item> {
  /** Of the destination, such as `hub:clicks`, and of the way in it, such as `2`. */
  readonly destination: string;
  readonly part: string;
  readonly isUp: () => boolean;
  readonly onError: (error: PublishError) => void;
  /** Sends items from the front as one batch; resolves with how many the broker settled. Throws PublishError. */
  readonly send: (items: readonly Item[]) => Promise<number>;
  /** The same of what was on disk. */
  readonly sendRecords: (bodies: readonly Buffer[]) => Promise<number>;
  readonly recordOverheadBytes: number;
  /** The ways into the destination take turns at being emptied from the disk. */
  readonly drainInTurn: InTurn;
}

/** A batch has events of many requests, so it hangs below none of them. */
const PRODUCER = { kind: SpanKind.PRODUCER, root: true };

/** A broker that answers within it is never slow. */
const PATIENCE_MS = 2_000;
/** The part of the time for a send after which a broker is slow in any case. */
const PATIENCE_SHARE = 0.5;

/** Opens a lane: with a spool behind it, or without, beside what is left in one. */
export function openOutlet<Item extends SpooledItem>(
  deps: OutletDeps,
  port: OutletPort<Item>,
  options: LaneOptions,
): SpooledLane<Item> {
  const { clock, defer, logger, spool, left } = deps;
  const { destination, part } = port;
  const timed =
    <Batch>(send: (batch: Batch) => Promise<number>) =>
    (batch: Batch) => {
      const startMs = clock.now();
      const span = trace.getTracer('penstock.gateway').startSpan(`send ${destination}`, PRODUCER);
      const sent = send(batch);
      const told = (settled: boolean) => () => {
        if (!settled) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
        deps.onBatch(destination, clock.now() - startMs, settled);
      };
      sent.then(told(true), told(false));
      return sent;
    };
  const send = timed(port.send);
  const spooled = (into: Spool) => {
    const maxMs = options.timeoutMs * PATIENCE_SHARE;
    return createSpooledLane<Item>(
      {
        clock,
        defer,
        ...port,
        send,
        sendRecords: timed(port.sendRecords),
        spool: into.lane(destination, part),
        onRefused: ({ key, bytes }, error) =>
          logger.error(
            { sink: destination, key, bytes, err: error },
            'a spooled record is set aside: the broker refuses it',
          ),
        onSpoolError(error) {
          // A disk that cannot be written is told of once, by the spool, and so is its end.
          if (error instanceof GatewayError && error.code === 'PS_SPOOL_UNUSABLE') return;
          logger.warn({ sink: destination, err: error }, 'the spool does not answer');
        },
      },
      { ...options, breaker: { minMs: Math.min(PATIENCE_MS, maxMs), maxMs } },
    );
  };
  if (spool !== undefined) return spooled(spool);
  const lane = withoutSpool(createLane<Item>({ clock, defer, ...port, send }, options), port.isUp);
  return left === undefined ? lane : besideLeft(lane, spooled(left));
}

/** What comes does not wait for what is left: a disk that fails would keep all of it out. */
function besideLeft<Item extends SpooledItem>(lane: SpooledLane<Item>, left: SpooledLane<Item>): SpooledLane<Item> {
  return {
    ...lane,
    isIdle: () => lane.isIdle() && left.isIdle(),
    resume: left.resume,
    async close() {
      await Promise.all([lane.close(), left.close()]);
    },
  };
}

function withoutSpool<Item extends SpooledItem>(lane: Lane<Item>, isUp: () => boolean): SpooledLane<Item> {
  return {
    ...lane,
    add(item) {
      if (isUp()) lane.add(item);
      else item.settle('unavailable');
    },
    resume() {},
    close: async () => lane.failWaiting('unavailable'),
  };
}
