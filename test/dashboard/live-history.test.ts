import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLiveHistory, type FeedMessage } from '../../src/dashboard/live-history.js';
import type { LiveFigures } from '../../src/shared/live.js';
import { noFigures } from '../helpers/live-source.js';

type Shown = Record<string, unknown>;

/** What a client does with a message. */
const applied = (shown: Shown | undefined, { kind, json }: FeedMessage): Shown => {
  const data = JSON.parse(json) as Shown;
  return kind === 'snapshot' ? data : { ...shown, ...data };
};

const withoutNulls = (shown: Shown | undefined) =>
  Object.fromEntries(Object.entries(shown ?? {}).filter(([, value]) => value !== null));

describe('the history of the live figures', () => {
  it('brings any viewer to the newest figures from whatever it had, wherever it left and came back', () => {
    const sections = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 2 }));
    const step = fc.oneof(
      fc.record({ reading: sections }),
      fc.record({ viewer: fc.nat({ max: 2 }) }),
      fc.record({ restart: fc.constant(true) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let epoch = 1;
        let history = createLiveHistory(`e${epoch}`);
        const viewers = Array.from({ length: 3 }, () => ({ shown: undefined as Shown | undefined, id: '' }));
        let newest: Shown = {};
        for (const [index, each] of steps.entries()) {
          if ('reading' in each) {
            newest = { asOf: String(index), ...each.reading };
            history.record(newest as unknown as LiveFigures);
          } else if ('restart' in each) {
            history = createLiveHistory(`e${++epoch}`);
          } else if (history.version > 0) {
            const viewer = viewers[each.viewer] as (typeof viewers)[number];
            const message = history.since(history.versionOf(viewer.id));
            viewer.shown = applied(viewer.shown, message);
            viewer.id = message.id ?? '';
            expect(withoutNulls(viewer.shown)).toEqual(newest);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('says nothing of what did not change', () => {
    const history = createLiveHistory('e');
    history.record(noFigures);
    history.record({ ...noFigures, asOf: 'later' });
    expect(history.since(1)).toEqual({ kind: 'update', id: 'e.2', json: '{"asOf":"later"}' });
  });
});
