import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createByteReader, createByteWriter } from '../../../src/aggregators/state/bytes.js';

const anyText = fc.string({ unit: 'binary' });

test('values are read as they were written, whatever their size, sign or letters', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.maxSafeNat(), fc.double(), anyText), { maxLength: 50 }), (values) => {
      const writer = createByteWriter();
      for (const value of values) writer.value(value);
      const reader = createByteReader(writer.bytes());
      expect(values.map(() => reader.value())).toEqual(values);
      expect(reader.atEnd).toBe(true);
    }),
  );
});

test('half a surrogate pair stays what it is', () => {
  const writer = createByteWriter();
  writer.text('\ud800');
  writer.text('a\udc00b');
  const reader = createByteReader(writer.bytes());
  expect([reader.text(), reader.text()]).toEqual(['\ud800', 'a\udc00b']);
});

test('a text that is larger than a chunk is whole', () => {
  const writer = createByteWriter();
  writer.text('é'.repeat(300_000));
  writer.uint(7);
  const reader = createByteReader(writer.bytes());
  expect(reader.text()).toBe('é'.repeat(300_000));
  expect(reader.uint()).toBe(7);
});

test('bytes that are cut short or were never written are refused', () => {
  const writer = createByteWriter();
  writer.text('visitor');
  const bytes = writer.bytes();
  for (let length = 0; length < bytes.length; length++) {
    expect(() => createByteReader(bytes.subarray(0, length)).text()).toThrow(RangeError);
  }
  expect(() => createByteReader(Buffer.from([9])).value()).toThrow(RangeError);
  expect(() => createByteReader(Buffer.alloc(10, 0xff)).uint()).toThrow(RangeError);
});
