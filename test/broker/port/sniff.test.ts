import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../../src/broker/port/sniff.js';

describe('sniff', () => {
  it('knows AMQP, TLS and HTTP by their first bytes, whatever follows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (rest) => {
        expect(sniff(Buffer.concat([Buffer.from('AMQP'), rest]))).toBe('amqp');
        expect(sniff(Buffer.concat([Buffer.from([0x16, 0x03]), rest]))).toBe('tls');
        expect(sniff(Buffer.concat([Buffer.from('DELETE '), rest]))).toBe('http');
      }),
    );
  });

  it('waits for more while the bytes could still become something known', () => {
    for (const text of ['', 'A', 'AMQ', '\x16', 'G', 'GET', 'P', 'PO', 'OPTION']) {
      expect([text, sniff(Buffer.from(text, 'latin1'))]).toEqual([text, 'more']);
    }
  });

  it('gives up at the first byte that fits nothing', () => {
    for (const text of ['\x00', 'AMQX', '\x16\x02', 'GETS', 'get /', 'SSH-2.0', 'PRI * HTTP/2.0']) {
      expect([text, sniff(Buffer.from(text, 'latin1'))]).toEqual([text, 'unknown']);
    }
  });

  it('needs at most eight bytes to decide', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => sniff(bytes) !== 'more'));
  });
});
