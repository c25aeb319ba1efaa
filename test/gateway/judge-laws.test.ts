import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGatewayRig, WRITE_KEY } from './rig.js';

/** Values that stand out in whatever is written. */
const mark = fc.integer({ min: 1, max: 1e9 }).map((number) => `secret${number}secret`);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const context = fc.record({
  ip: maybe(fc.tuple(fc.integer({ min: 1, max: 254 })).map(([last]) => `203.0.113.${last}`)),
  userAgent: maybe(fc.constantFrom('Mozilla/5.0 (iPhone)', 'Other/1.0')),
  locale: maybe(fc.constant('de')),
  country: maybe(fc.constant('AT')),
});
const event = fc.record({
  type: fc.constantFrom('page_view', 'sign_up'),
  anonymousId: maybe(mark),
  userId: maybe(mark),
  sessionId: maybe(mark),
  context: maybe(context),
});

test('whatever a stripped event came with, nothing that is written tells who sent it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 5 }),
      fc.record({
        gpc: fc.constant('strip' as const),
        visitorId: fc.constantFrom('sent' as const, 'daily' as const),
        ip: fc.constantFrom('truncate' as const, 'none' as const),
      }),
      fc.constantFrom('keep' as const, 'flag' as const),
      async (events, privacy, bots) => {
        const sources = [{ name: 'shop', writeKey: WRITE_KEY, privacy, bots, country: true }];
        const rig = await createGatewayRig({ gateway: { sources } });
        const results = await rig.results(events, {
          'sec-gpc': '1',
          'x-forwarded-for': '198.51.100.7',
          'user-agent': 'Googlebot/2.1',
        });
        await rig.gateway.stop({ deadlineMs: 0 });
        expect(results.map(({ outcome }) => outcome)).toEqual(events.map(() => 'accepted'));
        const written = JSON.stringify([rig.brokers.hubEvents(), rig.brokers.state.messages]);
        expect(written).not.toMatch(/secret|203\.0\.113|198\.51\.100|anonymousId|userId|sessionId|"ip|subject/);
      },
    ),
    { numRuns: 40 },
  );
});
