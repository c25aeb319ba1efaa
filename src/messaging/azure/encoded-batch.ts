import type { EventDataBatch } from '@azure/event-hubs';
import type { ServiceBusMessageBatch } from '@azure/service-bus';

/**
 * Batches that are encoded already. The SDKs take a batch for one by its shape, and then ask it for its bytes. Encoding by
 * themselves they copy each body five times on its way into one buffer, and that buffer's predecessors are garbage
 * outside of the heap, which makes V8 collect ten times as often (measured: 15 % of all that an event costs).
 */
interface Encoded {
  /** What tracing is to link. */
  readonly _messageSpanContexts: readonly never[];
  _generateMessage(): Buffer;
}

/** Whether the installed SDK asks its batches for their bytes by the name that encoded ones answer to. */
export function takesEncodedBatches(batch: EventDataBatch | ServiceBusMessageBatch): boolean {
  const { _generateMessage, _messageSpanContexts } = batch as Partial<Encoded>;
  return typeof _generateMessage === 'function' && Array.isArray(_messageSpanContexts);
}

/** @param message a batch message of `count` events: see encodeHubBatch */
export function createEncodedHubBatch(partitionId: string, count: number, message: Buffer): EventDataBatch & Encoded {
  return { partitionId, tryAdd: () => false, ...encoded(count, message) };
}

/** @param message a batch message of `count` messages: see createTopicEncoder */
export function createEncodedTopicBatch(count: number, message: Buffer): ServiceBusMessageBatch & Encoded {
  return { tryAddMessage: () => false, ...encoded(count, message) };
}

const encoded = (count: number, message: Buffer) => ({
  count,
  sizeInBytes: message.length,
  maxSizeInBytes: message.length,
  _messageSpanContexts: [],
  _generateMessage: () => message,
});
