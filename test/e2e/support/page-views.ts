import fc from 'fast-check';
import type { HubPublisher } from '../../../src/messaging/index.js';
import type { LiveFiguresSource } from '../../../src/query/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { partitionForKey } from '../../../src/shared/partition-hash.js';

const MINUTE = 60_000;
const PARTITIONS = 4;

type Panes = readonly (readonly [start: string, pageViews: unknown, visitors: unknown])[];

/** Page views of the last minutes, straight into the hub, and what the figures have to say of them in the end. */
export interface PageViews {
  /** Sends 200, out of order and some of them twice, to the partitions of their visitors. */
  send(seed: number): Promise<void>;
  /** Events sent so far, and repetitions of them. */
  readonly sent: number;
  readonly repeated: number;
  /** The panes of `visitors` as they have to be, and as they are shown. */
  expected(): Panes;
  shown(source: LiveFiguresSource): Promise<Panes | undefined>;
}

export function createPageViews(publisher: HubPublisher): PageViews {
  const firstMs = systemClock.now();
  const truth = new Map<number, { pageViews: number; visitors: Set<string> }>();
  let sent = 0;
  let repeated = 0;
  return {
    get sent() {
      return sent;
    },
    get repeated() {
      return repeated;
    },
    async send(seed) {
      const views = fc.sample(fc.record({ visitor: fc.nat(300), agoMs: fc.nat(3 * MINUTE), repeat: fc.nat(20) }), {
        numRuns: 200,
        seed,
      });
      const packs: object[][] = Array.from({ length: PARTITIONS }, () => []);
      for (const { visitor, agoMs, repeat } of views) {
        const timeMs = systemClock.now() - agoMs;
        const anonymousId = `visitor-${visitor}`;
        const event = {
          id: `view-${firstMs}-${sent++}`,
          type: 'page_view',
          source: 'shop',
          time: new Date(timeMs).toISOString(),
          data: { anonymousId, page: { path: '/' }, context: {} },
        };
        const copies = repeat === 0 ? [event, event] : [event];
        repeated += copies.length - 1;
        packs[partitionForKey(anonymousId, PARTITIONS)]?.push(...copies);
        const startMs = timeMs - (timeMs % MINUTE);
        const pane = truth.get(startMs) ?? { pageViews: 0, visitors: new Set() };
        pane.pageViews++;
        pane.visitors.add(anonymousId);
        truth.set(startMs, pane);
      }
      for (const [partition, pack] of packs.entries()) {
        await publisher.send(partition, [Buffer.from(JSON.stringify(pack))]);
      }
    },
    expected: () =>
      [...truth]
        .sort(([a], [b]) => a - b)
        .map(([startMs, { pageViews, visitors }]) => [new Date(startMs).toISOString(), pageViews, visitors.size]),
    async shown(source) {
      const panes = await source.readPanes('visitors', firstMs - 10 * MINUTE, systemClock.now() + MINUTE);
      return panes?.map(({ start, values }) => [start, values['pageViews'], values['visitors']]);
    },
  };
}
