import { type PenstockEvent, parseEvent, partitionKeyOf } from '../../events/index.js';
import type { HubPublisher } from '../../messaging/index.js';
import { messageOf } from '../../shared/errors.js';
import { keepFresh } from '../../shared/keep-fresh.js';
import { partitionForKey } from '../../shared/partition-hash.js';
import type { Consumer } from '../consumer.js';
import { createGiveBack, type GiveBackDeps } from '../give-back.js';

export interface LiveFiguresDeps extends GiveBackDeps {
  readonly hub: Pick<HubPublisher, 'describe' | 'send' | 'close'>;
}

/** Partitions that are added are known this soon: a visitor's copies go where the gateway sends the visitor's other events. */
const REFRESH_MS = 60_000;

/**
 * Copies what went to the topic and belongs into the live figures, such as purchases, to the hub, into the partition of
 * its visitor. A message is completed when the hub has its event; what fails between the two sends it again, and the
 * aggregators know it by its MessageId, which it carries as `messageid`.
 */
export function createLiveFigures(deps: LiveFiguresDeps): Consumer {
  const { hub, clock } = deps;
  const { later, abort } = createGiveBack(deps, 'hub');
  /** Asked now and then; after a failure, also of a send, at once. */
  const asking = () => keepFresh(clock, REFRESH_MS, async () => (await hub.describe()).partitionCount);
  let partitions = asking();

  return {
    concurrency: 32,
    async handle(message) {
      let event: PenstockEvent;
      try {
        event = parseEvent(message.body);
      } catch (error) {
        return { outcome: 'dead-letter', reason: 'NoEvent', description: messageOf(error) };
      }
      try {
        const key = partitionKeyOf(event.data, event.id);
        const pack = Buffer.from(JSON.stringify([{ ...event, messageid: message.messageId }]));
        await hub.send(partitionForKey(key, await partitions()), [pack]);
        return { outcome: 'complete' };
      } catch (error) {
        // A hub that was made anew may have fewer.
        partitions = asking();
        return later(message, error);
      }
    },
    abort,
    close: () => hub.close(),
  };
}
