import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/gateway/problem.js';
import { protocols } from '../../../src/gateway/protocols/index.js';

/** Names that the mappings look for, so that values stand where they are read. */
const KEYS = [
  ...['api_key', 'token', 'batch', 'events', 'event', 'properties', 'timestamp', 'payload', 'type', 'name', 'data'],
  ...['requests', 'idsite', 'ec_id', 'ec_items', 'idgoal', 'e_a', 'params', 'd', 'n', 'p', '$', 'website', '__proto__'],
  ...['$elements', 'distinct_id', 'context', 'time', 'event_type', 'event_properties', '$set', 'url'],
];
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1e300, '', '$pageview', '$autocapture', '0', 'a b', '\u0000'),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 8 }),
  ),
})).value;
const body = fc.oneof(
  value.map((json) => Buffer.from(JSON.stringify(json) ?? '')),
  fc.string({ maxLength: 50 }).map((text) => Buffer.from(`data=${encodeURIComponent(text)}`)),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
);

describe('whatever is sent to a foreign protocol', () => {
  const routes = protocols.flatMap(({ name, routes: own }) =>
    own.flatMap((route) => ('map' in route ? [[`${name} ${route.method} ${route.paths[0]}`, route] as const] : [])),
  );

  it.each(routes)('%s maps it to events or refuses it, and never throws', (_name, route) => {
    fc.assert(
      fc.property(body, fc.dictionary(fc.constantFrom(...KEYS, 'compression'), fc.string()), (bytes, query) => {
        const params = { type: 'track' };
        const head = { route: route.paths[0] as string, params, query, headers: {}, receivedAtMs: 0 };
        const mapped = route.map(head, bytes);
        expect(mapped instanceof Problem || Array.isArray(mapped.items)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
