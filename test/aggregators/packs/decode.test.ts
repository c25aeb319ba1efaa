import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePack } from '../../../src/aggregators/packs/decode.js';
import { PackedEvent } from '../../../src/aggregators/packs/packed-event.js';
import { createEnvelope, type NormalisedEvent, serialise } from '../../../src/events/index.js';

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ maxLength: 90, unit: 'binary' }),
  fc.constantFrom('"', '\\', 'a\u0000b', 'ü', '💡', '\ud800', 'visitor-1', 'visitor-2', '}}', '},{'),
);
const few = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const time = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const context = fc.record(
  {
    ip: fc.constantFrom('127.0.0.0/24', '2001:db8::/48'),
    country: fc.constantFrom('DE', 'GB'),
    device: fc.constantFrom('desktop', 'mobile'),
    bot: fc.constant(true as const),
    locale: text,
    campaign: fc.dictionary(fc.string(), text, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
);
const page = fc
  .record({ url: text, path: text, title: text, referrer: text }, { requiredKeys: [] })
  .filter((fields) => Object.keys(fields).length > 0);

const event = fc.record({
  id: text,
  idGiven: fc.constant(true),
  type: fc.constantFrom('page_view', 'purchase', 'a.b:c-d_e'),
  time,
  anonymousId: few(text),
  userId: few(text),
  sessionId: few(text),
  page: few(page),
  properties: few(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 })),
  context: few(context),
  consent: few(fc.dictionary(fc.string(), fc.boolean(), { maxKeys: 2 })),
  occurredAt: few(time),
  sentAt: few(time),
  timeClamped: fc.boolean(),
  commerce: fc.constant(undefined),
});
const request = fc.record({
  source: text,
  traceparent: few(fc.constantFrom('00-1-2-01', '00-3-4-00')),
  tracestate: few(text),
  context,
  receivedAtMs: fc.integer({ min: 1, max: 4e12 }),
  events: fc.array(event, { minLength: 1, maxLength: 4 }),
});

/** Bytes of a pack as the gateway writes them, of the events of some requests. */
const pack = fc.array(request, { minLength: 1, maxLength: 3 }).map((requests) => {
  const events = requests.flatMap((each) => {
    const envelope = createEnvelope(each);
    return each.events.map((one) => serialise(one as NormalisedEvent, envelope));
  });
  return Buffer.from(`[${events.join(',')}]`);
});

/** Some bytes in the place of others. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  removed: fc.integer({ min: 0, max: 3 }),
  added: fc.oneof(
    fc.constantFrom(
      '',
      '"',
      '\\',
      ',',
      '{',
      '}',
      ']',
      ' ',
      '0',
      '-',
      '\\u12',
      ',"id":"x"',
      '"x":1,',
      '}}',
      '\n',
      '\u001f',
    ),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  ),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Buffer, { at, removed, added }: Damage): Buffer {
  const from = Math.floor(at * bytes.length);
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(added as string), bytes.subarray(from + removed)]);
}

/** What JSON.parse makes of it. */
function parsed(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (Array.isArray(value)) return value;
    return value !== null && typeof value === 'object' ? [value] : undefined;
  } catch {
    return undefined;
  }
}

const fields = ['specversion', 'source', 'traceparent', 'tracestate', 'id', 'type', 'time', 'subject'] as const;
const identityFields = ['anonymousId', 'userId', 'sessionId', 'consent', 'properties'] as const;
const timeFields = ['occurredAt', 'sentAt', 'timeClamped', 'receivedAt'] as const;
const pageFields = ['url', 'path', 'title', 'referrer'] as const;

/** The fields of an object that are there, asked for one by one. */
function ask<Field extends string>(value: Readonly<Record<Field, unknown>>, names: readonly Field[]): object {
  return Object.fromEntries(
    names.map((name) => [name, value[name]] as const).filter(([, found]) => found !== undefined),
  );
}

/** An element as whoever asks for all that there is sees it. */
function seen(element: unknown): unknown {
  if (!(element instanceof PackedEvent)) return element;
  const { data } = element;
  return {
    ...ask(element, fields),
    data: {
      ...ask(data, [...identityFields, ...timeFields]),
      context: data.context,
      ...(data.page === undefined ? {} : { page: ask(data.page, pageFields) }),
    },
  };
}

test('an event of the gateway has what JSON.parse gives it, and is read without', () => {
  fc.assert(
    fc.property(pack, (bytes) => {
      const elements = decodePack(bytes);
      expect(elements?.every((element) => element instanceof PackedEvent)).toBe(true);
      expect(elements?.map(seen)).toStrictEqual(parsed(bytes));
    }),
    { numRuns: 200 },
  );
});

test('damaged, cut or altered bytes give what JSON.parse gives, or nothing where they are no JSON', () => {
  fc.assert(
    fc.property(pack, fc.array(damage, { minLength: 1, maxLength: 2 }), (whole, damages) => {
      const bytes = damages.reduce(damaged, whole);
      expect(decodePack(bytes)?.map(seen)).toStrictEqual(parsed(bytes));
    }),
    { numRuns: 1_000 },
  );
});

test('a body that begins anywhere in a larger buffer is read alone', () => {
  fc.assert(
    fc.property(pack, fc.nat(7), fc.nat(7), (bytes, before, behind) => {
      const larger = Buffer.concat([Buffer.alloc(before, '"'), bytes, Buffer.alloc(behind, ']')]);
      expect(decodePack(larger.subarray(before, before + bytes.length))?.map(seen)).toStrictEqual(parsed(bytes));
    }),
  );
});

test('other JSON is parsed: spaced, in another order, with other fields, or a single object', () => {
  const one = { specversion: '1.0', id: 'a', source: 's', type: 't', time: 'x', extra: 1, data: { context: {} } };
  for (const body of [JSON.stringify([one], null, 1), JSON.stringify([one]), JSON.stringify(one), '[]', '[1,null,"x"]'])
    expect(decodePack(Buffer.from(body))).toStrictEqual(parsed(Buffer.from(body)));
  for (const body of ['', '1', '"text"', 'null', '[', '[{]', '[{"a":1},]'])
    expect(decodePack(Buffer.from(body))).toBeUndefined();
});
