import { expect, test } from 'vitest';
import { createMachine, type Machine } from '../../../src/aggregators/behaviour/machine.js';
import type { PenstockEvent } from '../../../src/events/index.js';
import type { BehaviourDefinition } from '../../../src/shared/config/index.js';
import { START_MS } from '../driver.js';
import { behaviours, MINUTE, outfit, product, type View, view } from './support.js';

function follow(definition: BehaviourDefinition = outfit, maxVisitors = 100) {
  const machine: Machine = createMachine(definition, maxVisitors);
  const see = (event: PenstockEvent) => {
    const timeMs = Date.parse(event.time);
    const visitor = event.data.anonymousId ?? event.data.userId;
    return machine.observe({ event, timeMs, enqueuedAtMs: timeMs, enqueuedToMs: true, visitor, visit: undefined });
  };
  return {
    machine,
    see,
    /** The offers that these views lead to, as `<minute>: <items>`: `a@0 s@1 b@2`. */
    offers(views: string, fields: View = {}) {
      return views.split(' ').flatMap((text) => {
        const [item = '', minute = ''] = text.split('@');
        const step = see(view(Number(minute) * MINUTE, { ...product(item), ...fields }));
        if (step === undefined || step === 'full' || step.offer === undefined) return [];
        return [`${minute}: ${step.offer.items.map(({ item_id }) => item_id).join(' ')}`];
      });
    },
  };
}

test('who looks at a garment, at shoes and at another garment within the window gets an offer', () => {
  expect(follow().offers('a@0 s@1 b@2')).toEqual(['2: a s b']);
  expect(follow().offers('a@0 s@1 b@29.9')).toEqual(['29.9: a s b']);
  expect(follow().offers('a@0 s@1 b@30')).toEqual([]);
  expect(follow().offers('a@0 s@1')).toEqual([]);
});

test('the same garment again is no other garment', () => {
  expect(follow().offers('a@0 s@1 a@2')).toEqual([]);
  expect(follow().offers('a@0 s@1 a@2 t@3 c@4')).toEqual(['4: a t c']);
});

test('an event that breaks a sequence is the first step of the next one where it can be', () => {
  expect(follow().offers('a@0 b@1 s@2 c@3')).toEqual(['3: b s c']);
  expect(follow().offers('a@0 s@1 t@2 b@3 t@4 c@5')).toEqual(['5: b t c']);
  // It is past the window of the first garment, and the first step of its own.
  expect(follow().offers('a@0 s@1 b@31 s@32 c@33')).toEqual(['33: b s c']);
  expect(follow().offers('a@0 x@1 s@2 b@3')).toEqual([]);
});

test('a page that is loaded again changes nothing, at any step', () => {
  expect(follow().offers('a@0 a@1 s@2 s@3 s@4 b@5')).toEqual(['5: a s b']);
  // Of two visits of one product that are further apart than the window the second is the first step.
  expect(follow().offers('a@0 a@40 s@41 b@42')).toEqual(['42: a s b']);
});

test('other types of events pass by, and so does who is not named', () => {
  const { see, offers } = follow();
  offers('a@0 s@1');
  expect(see(view(MINUTE, { ...product('x'), type: 'page_view' }))).toBeUndefined();
  expect(see(view(MINUTE, { data: { anonymousId: undefined } }))).toBeUndefined();
  expect(offers('b@2')).toEqual(['2: a s b']);
});

test('visitors do not mix', () => {
  const { offers } = follow();
  expect([...offers('a@0'), ...offers('s@1', { visitor: 'other' }), ...offers('b@2')]).toEqual([]);
});

test('a visitor has one offer within a window, however often the sequence is gone through', () => {
  expect(follow().offers('a@0 s@1 b@2 s@3 c@4 s@5 d@6 a@20 s@25 b@31')).toEqual(['2: a s b']);
  expect(follow().offers('a@0 s@1 b@2 a@31 s@31.5 b@32')).toEqual(['2: a s b', '32: a s b']);
});

test('events out of order are in the window by their own times, and an earlier one brings no second offer', () => {
  expect(follow().offers('a@20 s@10 b@15')).toEqual(['15: a s b']);
  expect(follow().offers('a@40 s@20 b@5')).toEqual([]);
  expect(follow().offers('a@60 s@61 b@62 a@1 s@2 b@3')).toEqual(['62: a s b']);
});

test('a transition tells from where to where it leads', () => {
  const { see } = follow();
  expect(see(view(0, product('s')))).toBeUndefined();
  expect(see(view(0, product('a')))).toEqual({ from: 'browsing', to: 'clothes', offer: undefined });
  expect(see(view(0, product('b')))).toEqual({ from: 'browsing', to: 'clothes', offer: undefined });
  expect(see(view(0, product('s')))).toEqual({ from: 'clothes', to: 'shoes', offer: undefined });
  expect(see(view(0, product('c')))).toMatchObject({ to: 'browsing', offer: { action: { name: 'outfit-discount' } } });
});

test('conditions look at types, properties, items and context, and at what was remembered', () => {
  const step = (when: object[]) =>
    behaviours({ name: 'n', windowMs: 60_000, states: ['s'], transitions: [{ from: 's', to: 's', when }] })[0];
  const holds = (event: PenstockEvent, ...when: object[]) => follow(step(when)).see(event) !== undefined;
  const event = view(0, { properties: { price: 50, item_brand: 'fjord', sale: true, tags: ['x'] } });
  expect(holds(event, { type: ['view_item', 'click'] }, { property: 'sale', equals: true })).toBe(true);
  expect(holds(event, { type: 'click' })).toBe(false);
  expect(holds(event, { property: 'item_brand', in: ['delta', 'fjord'] })).toBe(true);
  expect(holds(event, { property: 'item_brand', startsWith: ['x', 'fj'] })).toBe(true);
  expect(holds(event, { not: { property: 'item_brand', startsWith: 'fj' } })).toBe(false);
  expect([49, 50, 51].map((price) => holds(event, { property: 'price', above: price }))).toEqual([true, false, false]);
  expect([49, 50, 51].map((price) => holds(event, { property: 'price', atLeast: price }))).toEqual([true, true, false]);
  expect([49, 50, 51].map((price) => holds(event, { property: 'price', below: price }))).toEqual([false, false, true]);
  expect([49, 50, 51].map((price) => holds(event, { property: 'price', atMost: price }))).toEqual([false, true, true]);
  expect(holds(event, { context: 'country', equals: 'DE' }, { context: 'device', in: ['mobile'] })).toBe(true);
  // What is no text, number or boolean, what is not there, and what every object has, are all nothing.
  for (const property of ['tags', 'missing', 'constructor', 'toString']) {
    expect(holds(event, { not: { property, in: ['x'] } })).toBe(true);
    expect(holds(event, { property, startsWith: 'f' })).toBe(false);
  }
  const item = view(0, {
    item: 'flat',
    properties: { items: [{ item_id: 'first', price: 7 }, { item_id: 'second' }] },
  });
  expect(holds(item, { property: 'item_id', equals: 'first' }, { property: 'price', equals: 7 })).toBe(true);
  expect(holds(view(0, { item: 'flat', properties: { items: [null] } }), { property: 'item_id', equals: 'flat' })).toBe(
    true,
  );
});

test('what was remembered is compared, and nothing is the same as or different from what is missing', () => {
  const compared = (operator: 'sameAs' | 'differsFrom') =>
    behaviours({
      name: 'n',
      windowMs: 60_000,
      states: ['one', 'two'],
      transitions: [
        { from: 'one', to: 'two', when: [{ type: 'click' }], remember: { toString: 'color' } },
        { from: 'two', to: 'one', when: [{ property: 'color', [operator]: 'toString' }], offer: { name: 'o' } },
      ],
    })[0];
  const offered = (operator: 'sameAs' | 'differsFrom', first?: string, second?: string) => {
    const { see } = follow(compared(operator));
    see(view(0, { type: 'click', properties: { color: first } }));
    const step = see(view(1, { properties: { color: second } }));
    return typeof step === 'object' && step.offer !== undefined;
  };
  expect(offered('sameAs', 'red', 'red')).toBe(true);
  expect(offered('sameAs', 'red', 'blue')).toBe(false);
  expect(offered('differsFrom', 'red', 'blue')).toBe(true);
  expect(offered('differsFrom', 'red', 'red')).toBe(false);
  for (const operator of ['sameAs', 'differsFrom'] as const) {
    expect(offered(operator, undefined, 'blue')).toBe(false);
    expect(offered(operator, 'red', undefined)).toBe(false);
    expect(offered(operator)).toBe(false);
  }
});

test('no more visitors are followed than allowed, and there is room again when some are forgotten', () => {
  const { machine, offers, see } = follow(outfit, 2);
  offers('a@0', { visitor: 'one' });
  offers('a@20', { visitor: 'two' });
  expect(see(view(21 * MINUTE, { ...product('a'), visitor: 'three' }))).toBe('full');
  expect(offers('s@21 b@22', { visitor: 'two' })).toEqual(['22: a s b']);
  machine.evict(START_MS + 40 * MINUTE);
  expect(machine.size).toBe(1);
  expect(offers('a@41 s@42 b@43', { visitor: 'three' })).toEqual(['43: a s b']);
});

test('a visitor whose name is longer than a gateway takes is not followed', () => {
  const { machine, offers } = follow();
  expect(offers('a@0 s@1 b@2', { visitor: 'v'.repeat(257) })).toEqual([]);
  expect(machine.size).toBe(0);
});
