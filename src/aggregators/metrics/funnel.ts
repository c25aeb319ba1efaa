import { defineSessionMetric } from './define-session.js';
import { session } from './window.js';

const steps: readonly { readonly name: string; readonly type: string }[] = [
  { name: 'view', type: 'view_item' },
  { name: 'cart', type: 'add_to_cart' },
  { name: 'purchase', type: 'purchase' },
];

/**
 * How far sessions got on the way from looking at an item to buying: each step counts the sessions that took it and all
 * before it. Within a session the order of the steps is not looked at, since a purchase may be told before the view.
 */
export const funnel = defineSessionMetric({
  name: 'funnel',
  help: 'Sessions of the last 8 hours that viewed an item, put one into the cart, and bought.',
  unit: 'sessions',
  window: session(8 * 60 * 60_000, 30 * 60_000),
  filter: ({ event }) => steps.some(({ type }) => type === event.type),
  each: { marks: ({ event }) => 1 << steps.findIndex(({ type }) => type === event.type) },
  key(marks) {
    const missing = steps.findIndex((_, index) => (marks & (1 << index)) === 0);
    return steps.slice(0, missing < 0 ? steps.length : missing).map(({ name }) => name);
  },
  emit: { windows: 16 },
});
