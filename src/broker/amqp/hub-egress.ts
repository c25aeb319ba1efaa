import type { Sender } from 'rhea';
import type { Clock } from '../../shared/clock.js';
import { eventPayload, eventPayloadWithMetric } from '../message/index.js';
import type { LogEvent, PartitionRuntime } from '../namespace/index.js';
import { faultOf } from './conditions.js';
import type { Egress } from './queue-egress.js';
import { freeCredit } from './rhea-connection.js';
import { drained, sendEncoded } from './transport.js';

export interface HubEgressDeps {
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  readonly congested: () => boolean;
}

export interface HubEgressOptions {
  readonly firstSequence: number;
  /** Whether each event brings the state of the partition along. */
  readonly withMetric: boolean;
}

const READ_AT_ONCE = 256;

/** Serves a link on which a client reads a partition. Events are sent settled: a log has nothing to take back. */
export function serveHubEgress(
  deps: HubEgressDeps,
  sender: Sender,
  partition: PartitionRuntime,
  options: HubEgressOptions,
): Egress & { readonly nextSequence: () => number } {
  const { clock, congested, onError } = deps;
  let next = options.firstSequence;
  let reading: Promise<void> | undefined;
  let detached = false;
  let tag = 0;

  function payloadOf({ record }: LogEvent): Buffer {
    if (!options.withMetric) return eventPayload(record);
    const { lastSequence, lastOffset, lastEnqueuedAtMs } = partition.facts();
    return eventPayloadWithMetric(record, { lastSequence, lastOffset, lastEnqueuedAtMs, nowMs: clock.now() });
  }

  function send(events: readonly LogEvent[]): void {
    for (const event of events) {
      if (wanted() <= 0) return;
      sendEncoded(sender, payloadOf(event), Buffer.from(String(tag++)), true);
      next = event.sequence + 1;
    }
  }

  const wanted = () => (detached || congested() ? 0 : Math.min(freeCredit(sender), READ_AT_ONCE));

  /** Sends what there is; what is in memory leaves within this call. */
  function pump(): void {
    while (reading === undefined) {
      const limit = wanted();
      if (limit <= 0) return;
      const events = partition.read(next, limit);
      if (events instanceof Promise) {
        reading = readStored(events);
        return;
      }
      if (events.length === 0) return;
      send(events);
    }
  }

  async function readStored(events: Promise<readonly LogEvent[]>): Promise<void> {
    try {
      const found = await events;
      reading = undefined;
      // Credit may have gone meanwhile: what is not sent now is read again.
      send(found);
      if (found.length > 0) pump();
    } catch (error) {
      reading = undefined;
      // A reader that is told opens another link, and is told again until the file is mended or retained no more.
      if (!detached) sender.close({ ...faultOf(error, onError) });
      detached = true;
    }
  }

  sender.on('sender_flow', pump);
  sender.on('sender_draining', () => {
    pump();
    void Promise.resolve(reading).then(() => drained(sender));
  });
  const unsubscribe = partition.subscribe(pump);
  pump();
  return {
    nextSequence: () => next,
    resume: pump,
    detach() {
      detached = true;
      unsubscribe();
    },
  };
}
