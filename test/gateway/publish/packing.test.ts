import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChunker, createPacker, type Pack } from '../../../src/gateway/publish/packing.js';
import { createTicket, type Settlements } from '../../../src/gateway/publish/ticket.js';

interface Options {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

const text = fc.array(fc.constantFrom('x', 'ö', '日', '👟'), { maxLength: 150 }).map((units) => units.join(''));
const options = fc.record({ maxEvents: fc.integer({ min: 1, max: 10 }), maxBytes: fc.integer({ min: 1, max: 3000 }) });
/** Requests of several events, and moments at which everything that is open is sent. */
const steps = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.array(text, { minLength: 1, maxLength: 12 }) }, fc.constant('send' as const)),
);

function createRig(bounds: Options) {
  const waiting: Pack[] = [];
  const sent: { bytes: number; said: number; texts: string[] }[] = [];
  const settled: Settlements[] = [];
  const packer = createPacker(bounds, (pack) => void waiting.push(pack));
  return {
    sent,
    settled,
    waiting,
    request(texts: readonly string[], deadlineMs = 0) {
      const ticket = createTicket(texts.length, deadlineMs, (settlements) => void settled.push(settlements));
      const chunker = createChunker(bounds, (chunk) => packer.add(chunk, ticket));
      for (const [index, text] of texts.entries()) chunker.add(JSON.stringify(text), index);
      chunker.flush();
    },
    send() {
      // As a lane does: all are closed, what comes meanwhile goes elsewhere, and then they are settled.
      const packs = waiting.splice(0);
      const saidBytes = packs.map((pack) => pack.bytes);
      const bodies = packs.map((pack) => pack.toRecord());
      for (const [at, body] of bodies.entries()) {
        sent.push({
          bytes: body.length,
          said: saidBytes[at] as number,
          texts: JSON.parse(body.toString()) as string[],
        });
        packs[at]?.settle('broker');
      }
    },
  };
}

describe('packing', () => {
  it('keeps every event, in order, within the bounds, and settles every request once', () => {
    fc.assert(
      fc.property(steps, options, (list, bounds) => {
        const rig = createRig(bounds);
        for (const step of list) {
          if (step === 'send') rig.send();
          else rig.request(step);
        }
        rig.send();
        const requests = list.filter((step) => step !== 'send');
        expect(rig.sent.flatMap((pack) => pack.texts)).toEqual(requests.flat());
        expect(rig.settled).toHaveLength(requests.length);
        for (const pack of rig.sent) {
          expect(pack.texts.length).toBeLessThanOrEqual(bounds.maxEvents);
          expect(pack.texts.length === 1 || pack.bytes <= bounds.maxBytes).toBe(true);
          expect(pack.bytes).toBeLessThan(pack.said);
        }
      }),
    );
  });

  it('a pack that is closed stays as it is, whatever is written after it', () => {
    const rig = createRig({ maxEvents: 100, maxBytes: 100_000 });
    rig.request(['a']);
    const body = rig.waiting[0]?.toRecord();
    rig.request(['b']);
    rig.request(['c']);
    expect(body?.toString()).toBe('["a"]');
    expect(rig.waiting).toHaveLength(2);
    expect(rig.waiting[1]?.toRecord().toString()).toBe('["b","c"]');
  });

  it('requests that wait together travel together, and one event at a pack is no packing', () => {
    for (const [maxEvents, expected] of [
      [10, [['a', 'b', 'c']]],
      [1, [['a'], ['b'], ['c']]],
    ] as const) {
      const rig = createRig({ maxEvents, maxBytes: 100_000 });
      rig.request(['a', 'b']);
      rig.request(['c']);
      rig.send();
      expect(rig.sent.map((pack) => pack.texts)).toEqual(expected);
    }
  });

  it('fills one slab after the other', () => {
    const rig = createRig({ maxEvents: 1000, maxBytes: 192 * 1024 });
    const long = 'x'.repeat(50_000);
    for (let request = 0; request < 40; request++) rig.request([`${request}${long}`]);
    rig.send();
    expect(rig.sent.flatMap((pack) => pack.texts)).toEqual(Array.from({ length: 40 }, (_, at) => `${at}${long}`));
  });

  it('fills what it has allocated also with texts of which three would not fit at their worst', () => {
    const rig = createRig({ maxEvents: 1000, maxBytes: 120 * 1024 });
    const request = Array.from({ length: 116 }, () => 'x'.repeat(1000));
    for (let count = 0; count < 3; count++) rig.request(request);
    const slabs = new Set(rig.waiting.map((pack) => pack.toRecord().buffer));
    expect(slabs.size).toBe(3);
    expect(rig.waiting).toHaveLength(3);
  });

  it('is waited for as long as any of its events is', () => {
    const rig = createRig({ maxEvents: 10, maxBytes: 1000 });
    rig.request(['a'], 5);
    rig.request(['b'], 9);
    expect(rig.waiting[0]?.deadlineMs).toBe(9);
  });
});
