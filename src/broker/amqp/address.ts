/** What an AMQP link address names. Names keep their case; the words of the grammar ignore it. */
export type Address =
  | { readonly kind: 'cbs' }
  /** Of transactions; its links name it by their target and not by an address. */
  | { readonly kind: 'coordinator' }
  /** `entity` is empty for the bare `$management` of Event Hubs clients. */
  | { readonly kind: 'management'; readonly entity: Address | undefined }
  | ({ readonly kind: 'named'; readonly name: string } & SubQueue)
  | ({ readonly kind: 'subscription'; readonly topic: string; readonly name: string } & SubQueue)
  | { readonly kind: 'partition'; readonly hub: string; readonly partitionId: string }
  | { readonly kind: 'publisher'; readonly hub: string; readonly publisher: string }
  | {
      readonly kind: 'consumer';
      readonly hub: string;
      readonly consumerGroup: string;
      readonly partitionId: string;
    };

/** The dead-letter queue of an entity, or that of the messages it could not forward. */
interface SubQueue {
  readonly deadLetters: boolean;
  readonly transfer?: true;
}

const SLASH = 0x2f;

/** Without slashes at its ends. By hand: a pattern that ends in `/+$` takes quadratic time, and strangers send addresses. */
function trimSlashes(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path.charCodeAt(start) === SLASH) start++;
  while (end > start && path.charCodeAt(end - 1) === SLASH) end--;
  return path.slice(start, end);
}

/** The path of an address, without `amqps://host:port/` where a client gives a whole URL. */
export function pathOf(address: string): string {
  return trimSlashes(address.replace(/^[a-z][a-z0-9+.-]{0,15}:\/\/[^/]{0,512}/i, ''));
}

const is = (segment: string | undefined, word: string) => segment?.toLowerCase() === word;

function parseSegments(segments: readonly string[], subQueue: SubQueue): Address | undefined {
  const at = (fromEnd: number) => segments[segments.length - fromEnd] as string;
  const nameBefore = (count: number) => segments.slice(0, segments.length - count).join('/');
  const count = segments.length;
  if (count > 4 && is(at(4), 'consumergroups') && is(at(2), 'partitions')) {
    return { kind: 'consumer', hub: nameBefore(4), consumerGroup: at(3), partitionId: at(1) };
  }
  if (count > 2 && is(at(2), 'partitions')) return { kind: 'partition', hub: nameBefore(2), partitionId: at(1) };
  if (count > 2 && is(at(2), 'publishers')) return { kind: 'publisher', hub: nameBefore(2), publisher: at(1) };
  if (count > 2 && is(at(2), 'subscriptions')) {
    return { kind: 'subscription', topic: nameBefore(2), name: at(1), ...subQueue };
  }
  return count === 0 ? undefined : { kind: 'named', name: segments.join('/'), ...subQueue };
}

/** Parses a link address; undefined when it names nothing. */
export function parseAddress(address: string): Address | undefined {
  const segments = pathOf(address).split('/');
  if (segments.some((segment) => segment === '')) return undefined;
  const last = segments.at(-1);
  if (is(last, '$cbs')) return segments.length === 1 ? { kind: 'cbs' } : undefined;
  if (is(last, '$coordinator')) return segments.length === 1 ? { kind: 'coordinator' } : undefined;
  if (is(last, '$management')) {
    const entity = parseSegmentsWithDeadLetters(segments.slice(0, -1));
    return { kind: 'management', entity };
  }
  return parseSegmentsWithDeadLetters(segments);
}

function parseSegmentsWithDeadLetters(segments: readonly string[]): Address | undefined {
  if (!is(segments.at(-1), '$deadletterqueue')) return parseSegments(segments, { deadLetters: false });
  return is(segments.at(-2), '$transfer')
    ? parseSegments(segments.slice(0, -2), { deadLetters: true, transfer: true })
    : parseSegments(segments.slice(0, -1), { deadLetters: true });
}

/** The queue that an address names: the entity's own or one of its sub-queues. */
export function queueAt<Q extends { readonly deadLetters: Q | undefined; readonly transferDeadLetters: Q | undefined }>(
  queue: Q,
  { deadLetters, transfer }: SubQueue,
): Q | undefined {
  if (!deadLetters) return queue;
  return transfer ? queue.transferDeadLetters : queue.deadLetters;
}
