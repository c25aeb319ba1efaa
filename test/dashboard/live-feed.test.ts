import { describe, expect, it } from 'vitest';
import { createLiveFeed, liveFeedDefaults } from '../../src/dashboard/live-feed.js';
import type { FeedMessage } from '../../src/dashboard/live-history.js';
import type { LiveSource } from '../../src/shared/live.js';
import { createMemoryLiveSource, noFigures } from '../helpers/live-source.js';
import { createManualClock } from '../helpers/manual-clock.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

function harness(options: Partial<typeof liveFeedDefaults> = {}, source = createMemoryLiveSource()) {
  const clock = createManualClock();
  const errors: unknown[] = [];
  const feed = createLiveFeed(
    { source, clock, epoch: 'test', onReadError: (error) => errors.push(error) },
    { ...liveFeedDefaults, ...options },
  );
  const join = (lastId?: string) => {
    const viewer = { heard: [] as FeedMessage[], full: false, closed: false };
    const connection = {
      send(message: FeedMessage) {
        viewer.heard.push(message);
        return !viewer.full;
      },
      close() {
        viewer.closed = true;
      },
    };
    const seat = feed.join(connection, lastId);
    return { ...{ seat }, viewer, kinds: () => viewer.heard.map(({ kind }) => kind) };
  };
  return {
    clock,
    errors,
    feed,
    source,
    join,
    async pass(ms: number) {
      clock.advance(ms);
      await settle();
    },
  };
}

describe('the live feed', () => {
  it('gives a new viewer all figures, then only what changed', async () => {
    const { join, pass, source } = harness();
    const { viewer } = join();
    await pass(0);
    source.push({ asOf: 'later', pages: [{ path: '/a', views: 1 }] });
    await pass(250);
    expect(viewer.heard.map(({ kind, json }) => [kind, JSON.parse(json)])).toEqual([
      ['snapshot', noFigures],
      ['update', { asOf: 'later', pages: [{ path: '/a', views: 1 }] }],
    ]);
  });

  it('reads once for all viewers', async () => {
    const { join, pass, source } = harness();
    const viewers = [join(), join(), join()];
    await pass(0);
    expect(source.reads).toBe(1);
    expect(viewers.map(({ kinds }) => kinds())).toEqual([['snapshot'], ['snapshot'], ['snapshot']]);
  });

  it('reads four times a second at the most, and never misses the last change', async () => {
    const { join, pass, source } = harness();
    const { viewer } = join();
    await pass(0);
    for (let change = 1; change <= 100; change++) {
      source.push({ pages: [{ path: '/a', views: change }] });
      await pass(10);
    }
    await pass(250);
    expect(source.reads).toBeLessThanOrEqual(6);
    expect(viewer.heard.at(-1)?.json).toContain('"views":100');
  });

  it('goes on at once after a clock was set back', async () => {
    const { clock, join, pass, source } = harness();
    const { viewer } = join();
    await pass(0);
    clock.jump(-3_600_000);
    source.push({ pages: [{ path: '/a', views: 1 }] });
    await pass(250);
    expect(viewer.heard.at(-1)?.json).toContain('"views":1');
  });

  it('reads anew every five seconds when nothing happens: windows slide', async () => {
    const { join, pass, source } = harness();
    join();
    await pass(0);
    await pass(4_999);
    expect(source.reads).toBe(1);
    await pass(1);
    expect(source.reads).toBe(2);
  });

  it('a change during a reading leads to another reading', async () => {
    let answer = () => {};
    let reads = 0;
    let changed = () => {};
    const source: LiveSource = {
      read: () => {
        reads++;
        return new Promise((resolve) => {
          answer = () => resolve(noFigures);
        });
      },
      subscribe(onChange) {
        changed = onChange;
        return () => {};
      },
    };
    const { join, pass } = harness({}, source as never);
    join();
    await pass(0);
    changed();
    answer();
    await settle();
    await pass(250);
    expect(reads).toBe(2);
  });

  it('does nothing for nobody', async () => {
    const { join, pass, source, clock } = harness();
    const { seat } = join();
    await pass(0);
    seat?.leave();
    expect(source.listeners).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('a viewer who leaves during the first reading leaves nothing behind', async () => {
    const { join, source, clock } = harness();
    const { seat } = join();
    clock.advance(0);
    seat?.leave();
    await settle();
    expect(source.listeners).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('turns away who comes when every seat is taken, until one is free', () => {
    const { join, feed } = harness({ maxViewers: 2 });
    const first = join();
    join();
    expect(join().seat).toBeUndefined();
    first.seat?.leave();
    expect(join().seat).toBeDefined();
    expect(feed.viewers).toBe(2);
  });

  it('sends nothing more to a viewer whose connection is full, then once what changed', async () => {
    const { join, pass, source } = harness();
    const { viewer, seat, kinds } = join();
    viewer.full = true;
    await pass(0);
    for (const views of [1, 2, 3]) {
      source.push({ pages: [{ path: '/a', views }] });
      await pass(250);
    }
    expect(kinds()).toEqual(['snapshot']);
    viewer.full = false;
    seat?.resume();
    expect(kinds()).toEqual(['snapshot', 'update']);
    expect(viewer.heard.at(-1)?.json).toContain('"views":3');
    expect(viewer.heard.at(-1)?.json).not.toContain('"devices"');
  });

  it('sends nothing twice to a viewer whose connection is full after each message, and missed none', async () => {
    const { join, pass, source } = harness();
    const { viewer, seat, kinds } = join();
    viewer.full = true;
    await pass(0);
    seat?.resume();
    source.push({ pages: [{ path: '/a', views: 1 }] });
    await pass(250);
    seat?.resume();
    seat?.resume();
    expect(kinds()).toEqual(['snapshot', 'update']);
  });

  it('closes a viewer that takes nothing for a minute', async () => {
    const { join, pass } = harness();
    const { viewer } = join();
    viewer.full = true;
    await pass(0);
    for (let turn = 0; turn < 11; turn++) await pass(5_000);
    expect(viewer.closed).toBe(false);
    await pass(5_000);
    expect(viewer.closed).toBe(true);
  });

  it('says so when the figures cannot be read, and goes on when they can again', async () => {
    const { join, pass, source, errors } = harness();
    const { kinds } = join();
    await pass(0);
    source.fail(true);
    await pass(5_000);
    source.fail(false);
    await pass(5_000);
    expect(kinds()).toEqual(['snapshot', 'trouble', 'update']);
    expect(errors).toHaveLength(1);
  });

  it('a viewer who comes while the figures cannot be read hears of it at once, and then has them whole', async () => {
    const { join, pass, source } = harness();
    join();
    await pass(0);
    source.fail(true);
    await pass(5_000);
    const late = join();
    expect(late.kinds()).toEqual(['trouble']);
    source.fail(false);
    await pass(5_000);
    expect(late.kinds()).toEqual(['trouble', 'snapshot']);
  });

  it('a viewer who comes back gets what changed since, once', async () => {
    const { join, pass, source } = harness();
    join();
    const { viewer, seat } = join();
    await pass(0);
    seat?.leave();
    for (const views of [1, 2]) {
      source.push({ pages: [{ path: '/a', views }] });
      await pass(250);
    }
    const back = join(viewer.heard.at(-1)?.id);
    expect(back.viewer.heard.map(({ kind, json }) => [kind, JSON.parse(json)])).toEqual([
      ['update', { asOf: noFigures.asOf, pages: [{ path: '/a', views: 2 }] }],
    ]);
    source.push({ categories: [{ category: 'shoes', views: 1 }] });
    await pass(250);
    expect(JSON.parse(back.viewer.heard.at(-1)?.json ?? '')).toEqual({
      asOf: noFigures.asOf,
      categories: [{ category: 'shoes', views: 1 }],
    });
  });

  it('the only viewer who comes back gets what changed while nobody looked', async () => {
    const { join, pass, source } = harness();
    const { viewer, seat } = join();
    await pass(0);
    seat?.leave();
    source.push({ pages: [{ path: '/a', views: 1 }] });
    await pass(60_000);
    const back = join(viewer.heard.at(-1)?.id);
    await pass(250);
    expect(back.kinds()).toEqual(['update']);
    expect(back.viewer.heard[0]?.json).toContain('"views":1');
  });

  it.each(['other.1', 'test.99', 'test.0', 'test.', '', 'test.1.1', `test.${'9'.repeat(400)}`])(
    'who names the unknown id "%s" begins anew',
    async (id) => {
      const { join, pass } = harness();
      const { kinds } = join(id);
      await pass(0);
      expect(kinds()).toEqual(['snapshot']);
    },
  );

  it('gives up on a reading that hangs', async () => {
    const source: LiveSource = { read: () => new Promise(() => {}), subscribe: () => () => {} };
    const { join, pass } = harness({}, source as never);
    const { kinds } = join();
    await pass(0);
    await pass(5_000);
    expect(kinds()).toEqual(['trouble']);
  });

  it('closes every viewer when it stops, and reads no more', async () => {
    const { join, pass, feed, clock, source } = harness();
    const viewers = [join(), join()];
    await pass(0);
    feed.stop();
    expect(viewers.map(({ viewer }) => viewer.closed)).toEqual([true, true]);
    expect([feed.viewers, clock.pending, source.listeners]).toEqual([0, 0, 0]);
  });
});
