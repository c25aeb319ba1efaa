import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionForKey } from '../../src/shared/partition-hash.js';

interface SdkMapper {
  mapPartitionKeyToId(key: string, partitionCount: number): number;
}

/** The SDK keeps its mapper internal, so it is read by path. */
async function loadSdkMapper(): Promise<SdkMapper> {
  const main = createRequire(import.meta.url).resolve('@azure/event-hubs');
  const root = main.slice(0, main.indexOf(join('event-hubs', 'dist')) + 'event-hubs'.length);
  return (await import(
    pathToFileURL(join(dirname(join(root, 'x')), 'dist/esm/impl/partitionKeyToIdMapper.js')).href
  )) as SdkMapper;
}

test('every key goes to the partition that the Event Hubs SDK computes for it', async () => {
  const sdk = await loadSdkMapper();
  const keys = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 600 }), fc.string({ maxLength: 1100 }));
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 32 }), (key, count) => {
      expect(partitionForKey(key, count)).toBe(sdk.mapPartitionKeyToId(key, count));
    }),
    { numRuns: 2000 },
  );
});
