import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/gateway/problem.js';
import { cloudEventsParser } from '../../../src/gateway/protocols/cloudevents.js';
import { protocols } from '../../../src/gateway/protocols/index.js';
import type { MappedEvents, RequestHead } from '../../../src/gateway/protocols/protocol.js';

const folder = new URL('./recorded/', import.meta.url);
const bodies = readdirSync(folder).flatMap((file) => {
  const requests = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { body?: string }[];
  return requests.flatMap(({ body }) =>
    body?.startsWith('{') || body?.startsWith('[') ? [JSON.parse(body) as unknown] : [],
  );
});

/** Values that are not what a mapping hopes for. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('', '-', '0x', 'e30', '\ud800', '__proto__', '9'.repeat(400), 'iglu:/', 1e308, -0),
  fc.constant(JSON.parse('{"__proto__":{"constructor":[]},"length":-1,"toString":null}') as unknown),
  fc.constant(JSON.parse('['.repeat(500) + ']'.repeat(500)) as unknown),
);

/** The value with one of its members, somewhere, replaced: `path` chooses which, a step at each level. */
function replaceMember(value: unknown, path: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || value === null || typeof value !== 'object') return replacement;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  const member = replaceMember((value as Record<string, unknown>)[key], rest, replacement);
  return Array.isArray(value) ? value.with(Number(key), member) : { ...value, [key]: member };
}

const hostileBody = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...bodies), fc.array(fc.nat(30), { maxLength: 5 }), odd) },
  { weight: 1, arbitrary: fc.tuple(odd, fc.constant([]), odd) },
);
const bodyOf = ([body, path, replacement]: readonly [unknown, readonly number[], unknown]) =>
  Buffer.from(JSON.stringify(replaceMember(body, path, replacement)) ?? '');

const headOf = (route: string, query: Record<string, unknown> = {}): RequestHead => ({
  route,
  params: {},
  query,
  headers: { host: 'x', 'content-type': 'application/json' },
});

function expectSound(mapped: MappedEvents | Problem): void {
  if (mapped instanceof Problem) return;
  expect(Array.isArray(mapped.items)).toBe(true);
  expect(['string', 'undefined']).toContain(typeof mapped.writeKey);
}

describe('whatever is sent to a foreign protocol', () => {
  const routes = protocols.flatMap((protocol) =>
    protocol.routes.flatMap((route) => ('map' in route ? route.paths.map((path) => ({ path, route })) : [])),
  );

  it('there are routes and recorded requests to try', () => {
    expect(routes.length).toBeGreaterThan(20);
    expect(bodies.length).toBeGreaterThan(20);
  });

  it('its mapping gives events to judge, or a problem, and never fails', () => {
    fc.assert(
      fc.property(fc.constantFrom(...routes), hostileBody, ({ path, route }, body) => {
        expectSound(route.map(headOf(path), bodyOf(body)));
      }),
      { numRuns: 3000 },
    );
  });

  it('so does that of a query, whatever stands in it, and however often', () => {
    const names = fc.constantFrom(
      'e',
      'aid',
      'ue_px',
      'ue_pr',
      'cx',
      'co',
      'dtm',
      'data',
      'url',
      'idsite',
      'action_name',
      '__proto__',
    );
    const values = fc.oneof(fc.string(), fc.array(fc.string()), fc.json(), fc.base64String());
    fc.assert(
      fc.property(fc.constantFrom(...routes), fc.dictionary(names, values), ({ path, route }, query) => {
        expectSound(route.map(headOf(path, query), Buffer.alloc(0)));
      }),
      { numRuns: 2000 },
    );
  });

  it('so do CloudEvents in every mode, also when they are no JSON at all', () => {
    const modes = fc.constantFrom<Record<string, string>>(
      { 'content-type': 'application/cloudevents+json' },
      { 'content-type': 'application/cloudevents-batch+json' },
      { 'ce-specversion': '1.0', 'ce-id': '%', 'ce-type': 'a', 'ce-source': '%e2', 'ce-__proto__': 'x' },
    );
    const anything = fc.oneof(
      hostileBody.map(bodyOf),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(modes, anything, (headers, body) => {
        const parse = cloudEventsParser(headers);
        expect(parse).toBeDefined();
        if (parse !== undefined) expectSound(parse(body));
      }),
      { numRuns: 1000 },
    );
  });
});
