/**
 * The elements of a hub event's body: a JSON array (a pack), or one JSON object of a producer that does not pack.
 * Undefined when it is neither. The elements themselves are judged where they are used, so that one bad element does
 * not cost its pack.
 */
export function readPack(body: Uint8Array): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
    if (Array.isArray(value)) return value;
    return value !== null && typeof value === 'object' ? [value] : undefined;
  } catch {
    return undefined;
  }
}
