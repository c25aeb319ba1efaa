import { describe, expect, it } from 'vitest';
import { createOrders } from '../../../src/gateway/recall/orders.js';

const told = (event: number, { order = `purchase:${event}`, isFirst = true, source = 'shop' } = {}) => ({
  source,
  idJson: `"event-${event}"`,
  order,
  isFirst,
});

describe('createOrders', () => {
  it('names the order of an event, and the event that told of an order first', () => {
    const orders = createOrders(10);
    orders.note(told(1));
    orders.note(told(2, { order: 'purchase:1', isFirst: false }));
    expect(orders.orderOf('shop', '"event-1"')).toBe('purchase:1');
    expect(orders.orderOf('shop', '"event-2"')).toBe('purchase:1');
    expect(orders.firstOf('shop', 'purchase:1')).toBe('"event-1"');
    expect(orders.firstOf('shop', 'purchase:2')).toBeUndefined();
  });

  it('an order of another source is another order', () => {
    const orders = createOrders(10);
    orders.note(told(1, { source: 'shop' }));
    orders.note(told(2, { source: 'store', order: 'purchase:1' }));
    expect(orders.firstOf('shop', 'purchase:1')).toBe('"event-1"');
    expect(orders.firstOf('store', 'purchase:1')).toBe('"event-2"');
    expect(orders.orderOf('store', '"event-1"')).toBeUndefined();
  });

  it('the newest telling counts, also where the ring has begun anew', () => {
    const orders = createOrders(3);
    for (const event of [1, 2, 3, 4]) orders.note(told(event, { order: `purchase:${event % 2}` }));
    expect(orders.firstOf('shop', 'purchase:1')).toBe('"event-3"');
    expect(orders.firstOf('shop', 'purchase:0')).toBe('"event-4"');
    orders.note(told(3, { order: 'purchase:new' }));
    expect(orders.orderOf('shop', '"event-3"')).toBe('purchase:new');
  });

  it('as many as there is room for are kept, whatever comes', () => {
    const orders = createOrders(100);
    for (let event = 0; event < 1_050; event++) orders.note(told(event));
    const kept = Array.from({ length: 1_050 }, (_, event) => event).filter(
      (event) => orders.orderOf('shop', `"event-${event}"`) !== undefined,
    );
    expect(kept).toEqual(Array.from({ length: 100 }, (_, index) => 950 + index));
  });
});
