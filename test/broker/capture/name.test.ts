import { describe, expect, it } from 'vitest';
import { captureName, checkNameFormat } from '../../../src/broker/capture/name.js';

const facts = { namespace: 'shop', hub: 'clicks', partitionId: '3', timeMs: Date.UTC(2026, 0, 5, 4, 3, 2, 987) };
const usual = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';

describe('the name of a capture file', () => {
  it('has its parts padded with zeros, in UTC and with whole seconds', () => {
    expect(captureName(usual, facts)).toBe('shop/clicks/3/2026/01/05/04/03/02.avro');
  });

  it('takes any order and any text between', () => {
    const format = 'raw/{Year}-{Month}-{Day}T{Hour}{Minute}{Second}/{EventHub}_{PartitionId}_{Namespace}';
    expect(checkNameFormat(format)).toBeUndefined();
    expect(captureName(format, facts)).toBe('raw/2026-01-05T040302/clicks_3_shop.avro');
  });

  it('does not read placeholders out of the values', () => {
    expect(captureName(usual, { ...facts, hub: '{Year}$1$&' })).toBe('shop/{Year}$1$&/3/2026/01/05/04/03/02.avro');
  });
});

describe('a name format', () => {
  it('has to mention everything that tells files apart', () => {
    expect(checkNameFormat(usual)).toBeUndefined();
    expect(checkNameFormat('{Namespace}/{EventHub}/{Year}/{Month}/{Day}/{Hour}/{Minute}')).toBe(
      'must mention {PartitionId}, {Second}',
    );
  });

  it('has no other placeholder, no loose brace, and an end', () => {
    expect(checkNameFormat(`${usual}/{Millisecond}`)).toBe('knows no {Millisecond}');
    expect(checkNameFormat(`${usual}}`)).toBe('has a brace that belongs to no placeholder');
    expect(checkNameFormat(usual + '/x'.repeat(300))).toBe('has more than 512 characters');
  });
});
