import { describe, expect, it } from 'vitest';
import { createGatewayMetrics, mergeMetrics } from '../../src/gateway/metrics/index.js';
import { mergeReadiness, type Readiness } from '../../src/gateway/readiness.js';
import { mergeWhereabouts, type Whereabouts } from '../../src/gateway/where.js';

const spool = (records: number, oldestMs: number) => ({ records, bytes: records * 100, oldestMs });
const up = { state: 'up', since: '2026-01-01T00:00:00.000Z' } as const;
const down = { state: 'down', since: '2026-01-02T00:00:00.000Z', lastError: 'refused' } as const;

describe('a gateway of several processes', () => {
  it('is ready when each of them is, and tells the worst state of a sink and what waits in all spools', () => {
    const one: Readiness = { ready: true, sinks: { 'hub:clicks': { ...up, spool: spool(1, 5) } } };
    const two: Readiness = { ready: true, sinks: { 'hub:clicks': { ...down, spool: spool(2, 7) } } };
    expect(mergeReadiness([one, one]).ready).toBe(true);
    expect(mergeReadiness([one, two])).toEqual({
      ready: true,
      sinks: { 'hub:clicks': { ...down, spool: spool(3, 7) } },
    });
    expect(mergeReadiness([one, { ...two, ready: false }]).ready).toBe(false);
    expect(mergeReadiness([one, undefined]).ready).toBe(false);
    expect(mergeReadiness([undefined]).ready).toBe(false);
  });

  it('sums what its processes have counted', async () => {
    const all = await Promise.all(
      [1, 2].map(async (times) => {
        const metrics = createGatewayMetrics();
        for (let time = 0; time < times; time++) metrics.request(200);
        metrics.hotVisitor('shop');
        return JSON.parse(JSON.stringify(await metrics.forOthers())) as unknown;
      }),
    );
    const { body, contentType } = await mergeMetrics([...all, undefined]);
    expect(contentType).toContain('text/plain');
    expect(body).toContain('penstock_gateway_requests_total{status="200"} 3');
    expect(body).toContain('penstock_gateway_hot_visitors_total{source="shop"} 2');
  });

  it('knows an event once, with what became of it in the spool of whoever has it', () => {
    const outcome = {
      ...{ source: 'shop', outcome: 'accepted', receivedAt: '2026-01-01T00:00:00.000Z' },
      ...{ settledAt: '2026-01-01T00:00:01.000Z', durability: 'spool', destination: 'topic:events' },
    };
    const told = (outcomes: Whereabouts['outcomes'], acceptedSince: string | null, others: number): Whereabouts => ({
      id: 'a',
      outcomes,
      remembers: { acceptedIds: 7, acceptedSince, others, othersSince: others === 0 ? null : `2026-01-0${others}` },
    });
    const rejected = { ...outcome, outcome: 'rejected', settledAt: '2026-01-01T00:00:02.000Z' };
    const merged = mergeWhereabouts('a', [
      told([{ ...outcome, spool: 'delivered' }], '2026-01-02', 1),
      undefined,
      told([rejected, { ...outcome, eventId: 'a', messageId: 'purchase:T1', spool: 'waiting' }], '2026-01-01', 2),
      told([], null, 0),
    ]);
    expect(merged).toEqual({
      id: 'a',
      outcomes: [rejected, { ...outcome, eventId: 'a', messageId: 'purchase:T1', spool: 'waiting' }],
      remembers: { acceptedIds: 7, acceptedSince: '2026-01-01', others: 3, othersSince: '2026-01-02' },
    });
  });
});
