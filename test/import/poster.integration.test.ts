import { describe, expect, it } from 'vitest';
import { createPoster, type PosterOptions } from '../../src/import/index.js';
import type { Clock } from '../../src/shared/clock.js';
import { systemClock } from '../../src/shared/clock.js';
import { acceptAll, type Behaviour, results, startTestGateway } from './gateway.js';

const events = (...ids: string[]) => ids.map((id) => ({ id, type: 'page_view' }));
const accepted = { kind: 'accepted' };

/** Real time for requests, while waits take no time and are written down: virtual time passes by the sum of them. */
function impatientClock(requestTimeoutMs: number) {
  let skippedMs = 0;
  const waitsMs: number[] = [];
  const clock: Clock = {
    now: () => systemClock.now() + skippedMs,
    setTimer(callback, delayMs) {
      if (delayMs === requestTimeoutMs) return systemClock.setTimer(callback, delayMs);
      waitsMs.push(delayMs);
      skippedMs += delayMs;
      return systemClock.setTimer(callback, 0);
    },
  };
  return { clock, waitsMs };
}

async function setUp(behaviour: Behaviour, options: Partial<PosterOptions> = {}) {
  const gateway = await startTestGateway(behaviour);
  const requestTimeoutMs = options.requestTimeoutMs ?? 20_001;
  const { clock, waitsMs } = impatientClock(requestTimeoutMs);
  const poster = createPoster(
    { fetch, clock, random: () => 0.5 },
    {
      url: gateway.url,
      writeKey: 'key-of-the-site',
      requestTimeoutMs,
      giveUpAfterMs: 60_000,
      ...options,
    },
  );
  return { ...gateway, poster, waitsMs };
}

describe('posting a batch', () => {
  it('tells the outcome of each event in the order given', async () => {
    await using gateway = await setUp(() =>
      results([
        { id: 'a', outcome: 'accepted', durability: 'broker' },
        { id: 'b', outcome: 'duplicate' },
        { id: 'c', outcome: 'rejected', reason: 'too_long', path: '/page/url' },
        { id: 'd', outcome: 'dropped', reason: 'bot' },
      ]),
    );
    expect(await gateway.poster.post(events('a', 'b', 'c', 'd'))).toEqual({
      outcomes: [
        accepted,
        { kind: 'duplicate' },
        { kind: 'rejected', reason: 'too_long', path: '/page/url' },
        { kind: 'dropped', reason: 'bot' },
      ],
    });
    expect(gateway.requests[0]?.authorization).toBe('Bearer key-of-the-site');
    expect(gateway.poster.counts).toEqual({ requests: 1, repeated: 0 });
  });

  it.each([429, 503, 500, 408])('after a %s the same events are sent again', async (status) => {
    const accept = acceptAll();
    await using gateway = await setUp((request) => (request.number <= 2 ? { status } : accept(request)));
    expect(await gateway.poster.post(events('a', 'b'))).toEqual({ outcomes: [accepted, accepted] });
    expect(gateway.requests.map((request) => request.events.map(({ id }) => id))).toEqual(Array(3).fill(['a', 'b']));
    // Half of the ceilings 200 and 400 ms: the jitter is a constant here.
    expect(gateway.waitsMs).toEqual([100, 200]);
  });

  it('waits as long as Retry-After says', async () => {
    const accept = acceptAll();
    await using gateway = await setUp((request) =>
      request.number === 1 ? { status: 503, headers: { 'retry-after': '7' } } : accept(request),
    );
    await gateway.poster.post(events('a'));
    expect(gateway.waitsMs).toEqual([7000]);
  });

  it('a connection that breaks and a request without an answer are tried again', async () => {
    const accept = acceptAll();
    await using gateway = await setUp(
      (request) => (request.number === 1 ? 'drop' : request.number === 2 ? 'hang' : accept(request)),
      { requestTimeoutMs: 501 },
    );
    expect((await gateway.poster.post(events('a'))).outcomes).toEqual([accepted]);
    expect(gateway.requests.length).toBeGreaterThanOrEqual(3);
  });

  it('only events that may pass later are sent again', async () => {
    const accept = acceptAll();
    const unavailable = { outcome: 'rejected', reason: 'unavailable', retryable: true };
    await using gateway = await setUp((request) =>
      request.number === 1 ? results([{ outcome: 'accepted' }, unavailable, unavailable]) : accept(request),
    );
    expect((await gateway.poster.post(events('a', 'b', 'c'))).outcomes).toEqual([accepted, accepted, accepted]);
    expect(gateway.requests.map((request) => request.events.map(({ id }) => id))).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('a body that is too large is halved until it passes, and an event that never passes is rejected', async () => {
    const accept = acceptAll();
    await using gateway = await setUp((request) =>
      request.events.length > 2 || request.events.some(({ id }) => id === 'huge') ? { status: 413 } : accept(request),
    );
    expect((await gateway.poster.post(events('a', 'b', 'c', 'huge', 'd'))).outcomes).toEqual([
      accepted,
      accepted,
      accepted,
      { kind: 'rejected', reason: 'http_413' },
      accepted,
    ]);
  });

  it('gives up when nothing was taken for as long as was said, and keeps what was settled before', async () => {
    await using gateway = await setUp(({ number }) =>
      number === 1
        ? results([{ outcome: 'accepted' }, { outcome: 'rejected', reason: 'unavailable', retryable: true }])
        : { status: 503 },
    );
    const { outcomes, failure } = await gateway.poster.post(events('a', 'b'));
    expect(outcomes).toEqual([accepted, { kind: 'unsent' }]);
    expect(failure).toMatchObject({ code: 'PS_GATEWAY_UNREACHABLE', message: expect.stringContaining('answers 503') });
  });

  it('a gateway that is not there is reported with the reason', async () => {
    const gone = await startTestGateway(acceptAll());
    await gone[Symbol.asyncDispose]();
    await using gateway = await setUp(acceptAll(), { url: gone.url });
    const { failure } = await gateway.poster.post(events('a'));
    expect(failure?.code).toBe('PS_GATEWAY_UNREACHABLE');
    expect(failure?.message).toContain('ECONNREFUSED');
  });

  it.each([
    [{ status: 401 }, 'write key'],
    [{ status: 404 }, '404'],
    [{ status: 302, headers: { location: '/elsewhere' } }, '302'],
    [{ body: '<html>' }, 'not one of Penstock'],
    [{ body: { results: [{ outcome: 'perhaps' }] } }, 'not one of Penstock'],
    [{ body: { results: [] } }, '0 results to 1 events'],
  ])('an answer that repeating will not change ends it at once: %j', async (answer, message) => {
    await using gateway = await setUp(() => answer);
    const { outcomes, failure } = await gateway.poster.post(events('a'));
    expect(outcomes).toEqual([{ kind: 'unsent' }]);
    expect(failure).toMatchObject({ code: 'PS_GATEWAY_REFUSED', message: expect.stringContaining(message) });
    expect(gateway.requests.length).toBe(1);
  });

  it('when it is stopped, the request under way is heard to its end and the rest stays unsent', async () => {
    const stop = new AbortController();
    await using gateway = await setUp(() => {
      stop.abort();
      return results([{ outcome: 'accepted' }, { outcome: 'rejected', reason: 'unavailable', retryable: true }]);
    });
    expect(await gateway.poster.post(events('a', 'b'), stop.signal)).toEqual({
      outcomes: [accepted, { kind: 'unsent' }],
    });
    expect(gateway.requests).toHaveLength(1);
  });
});
