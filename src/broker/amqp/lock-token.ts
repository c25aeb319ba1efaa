/**
 * The delivery tag of a lock: its UUID in the byte order of .NET, whose first three groups are little-endian, as
 * Service Bus sends it.
 */
export function deliveryTag(lockToken: string): Buffer {
  const tag = Buffer.from(lockToken, 'hex');
  swap(tag, 0, 3);
  swap(tag, 1, 2);
  swap(tag, 4, 5);
  swap(tag, 6, 7);
  return tag;
}

function swap(bytes: Buffer, a: number, b: number): void {
  const kept = bytes[a] as number;
  bytes[a] = bytes[b] as number;
  bytes[b] = kept;
}

/** The lock token of an AMQP uuid in a management request, which comes in the order of RFC 4122. */
export const lockTokenOf = (uuid: Buffer): string => uuid.toString('hex');
