import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captureNames } from '../../src/archive/name.js';
import { captureName } from '../../src/broker/capture/name.js';

const DEFAULT = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';
const place = { namespace: 'my-ns', hub: 'clicks' };

test('a name tells its partition and when its window was opened, and all names of a hub begin alike', () => {
  const names = captureNames({ nameFormat: DEFAULT, ...place });
  expect(names.prefix).toBe('my-ns/clicks/');
  const name = 'my-ns/clicks/12/2017/08/31/19/11/45.avro';
  expect(names.read(name)).toEqual({ name, partitionId: '12', openedAtMs: Date.UTC(2017, 7, 31, 19, 11, 45) });
});

test.each([
  'my-ns/orders/12/2017/08/31/19/11/45.avro',
  'my-ns/clicks/12/2017/08/31/19/11/45',
  'my-ns/clicks/12/2017/08/31/19/11/45.parquet',
  'my-ns/clicks/12/2017/8/31/19/11/45.avro',
  'old/my-ns/clicks/12/2017/08/31/19/11/45.avro',
  'my-ns/clicks/12/2017/08/31/19/11/45/1.avro',
])('%s is none of them', (name) => {
  expect(captureNames({ nameFormat: DEFAULT, ...place }).read(name)).toBeUndefined();
});

test('whatever the format, a name that is written by it is read again', () => {
  const placeholders = DEFAULT.split('/');
  fc.assert(
    fc.property(
      fc.shuffledSubarray(placeholders, { minLength: placeholders.length }),
      fc.array(fc.constantFrom('/', '-', '_', 'x=', '.', '(+)*'), { minLength: 8, maxLength: 8 }),
      fc.nat(999),
      fc.integer({ min: 0, max: Date.UTC(2200, 0) / 1000 }),
      (order, between, partition, second) => {
        const nameFormat = order.map((part, index) => part + (between[index] ?? '')).join('');
        const facts = { ...place, partitionId: String(partition), timeMs: second * 1000 };
        const found = captureNames({ nameFormat, ...place }).read(captureName(nameFormat, facts));
        expect(found).toMatchObject({ partitionId: facts.partitionId, openedAtMs: facts.timeMs });
      },
    ),
  );
});

test.each([
  ['{Namespace}/{PartitionId}/{Year}', '{Month}, {Day}, {Hour}, {Minute}, {Second}'],
  [`${DEFAULT}/{Week}`, '{Week}'],
  [`${DEFAULT}${'x'.repeat(1_000)}`, '1024 characters'],
])('the format %s is refused', (nameFormat, what) => {
  expect(() => captureNames({ nameFormat, ...place })).toThrow(
    expect.objectContaining({ code: 'PS_ARCHIVE_FORMAT', message: expect.stringContaining(what) }),
  );
});
