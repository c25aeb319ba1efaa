import { type Cursor, DamagedAvro } from './cursor.js';

/** Moves over one value. */
export type Skip = (cursor: Cursor) => void;

/** No schema of Capture is deeper than a union in a map in a record. */
const MAX_DEPTH = 8;

const primitives: Readonly<Record<string, Skip>> = {
  null: () => {},
  boolean: (cursor) => cursor.skip(1),
  int: (cursor) => cursor.skipLong(),
  long: (cursor) => cursor.skipLong(),
  float: (cursor) => cursor.skip(4),
  double: (cursor) => cursor.skip(8),
  bytes: (cursor) => cursor.skip(cursor.long()),
  string: (cursor) => cursor.skip(cursor.long()),
};

/** How values of a schema are passed over; undefined for a schema of which Capture has none. */
export function skipOf(schema: unknown, depth = 0): Skip | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof schema === 'string') return Object.hasOwn(primitives, schema) ? primitives[schema] : undefined;
  if (Array.isArray(schema)) return skipUnion(schema, depth);
  if (schema === null || typeof schema !== 'object' || !('type' in schema)) return undefined;
  if (schema.type === 'map' && 'values' in schema) {
    const value = skipOf(schema.values, depth + 1);
    if (value === undefined) return undefined;
    return blocksOf((cursor) => {
      cursor.skip(cursor.long());
      value(cursor);
    });
  }
  if (schema.type === 'array' && 'items' in schema) {
    const item = skipOf(schema.items, depth + 1);
    return item && blocksOf(item);
  }
  return skipOf(schema.type, depth + 1);
}

function skipUnion(schemas: readonly unknown[], depth: number): Skip | undefined {
  const branches: Skip[] = [];
  for (const schema of schemas) {
    const branch = skipOf(schema, depth + 1);
    if (branch === undefined) return undefined;
    branches.push(branch);
  }
  return (cursor) => {
    const branch = branches[cursor.long()];
    if (branch === undefined) throw new DamagedAvro('a union has no such branch', cursor.at);
    branch(cursor);
  };
}

/** Blocks of items up to an empty one; of a block with a negative count the size in bytes follows. */
function blocksOf(item: Skip): Skip {
  return (cursor) => {
    for (let count = cursor.long(); count !== 0; count = cursor.long()) {
      if (count < 0) cursor.skip(cursor.long());
      // Items take a byte or more, but for those of nothing, of which nobody has many.
      else if (count > cursor.remaining) throw new DamagedAvro('a block has too many items', cursor.at);
      else for (let index = 0; index < count; index++) item(cursor);
    }
  };
}
