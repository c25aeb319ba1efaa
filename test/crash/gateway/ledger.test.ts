import { expect, it } from 'vitest';
import { createGatewayLedger, type Found, type SentEvent } from './ledger.js';

/** The ledger is what finds fault with the gateway: it has to find each of these. */

const view = (id: string, visitor = 'v'): SentEvent => ({ id, kind: 'view', visitor });
const order = (id: string, visitor = 'v'): SentEvent => ({ id, kind: 'order', visitor });
const partition = (place: string, ...events: SentEvent[]): Found => ({ place, kind: 'view', events });
const topic = (...events: SentEvent[]): Found => ({ place: 'topic', kind: 'order', events });

/** Each sent by itself, after the one before was accepted. */
function ledgerOf(...events: SentEvent[]) {
  const ledger = createGatewayLedger();
  for (const event of events) {
    ledger.sending([event]);
    ledger.answered(event.id, 'accepted');
  }
  return ledger;
}

it('finds nothing where every promise was kept, and counts page views that came again', () => {
  const ledger = ledgerOf(view('a'), order('o'), view('b'));
  ledger.sending([view('never answered')]);
  ledger.sending([view('again')]);
  ledger.answered('again', 'duplicate');
  ledger.sending([view('bad')]);
  ledger.answered('bad', 'rejected');
  ledger.close([partition('p', view('a'), view('b'), view('a'), view('b'), view('again')), topic(order('o'))]);
  expect(ledger.violations()).toEqual([]);
  expect(ledger.figures()).toEqual({ orders: 1, views: 3, rejected: 1, unanswered: 1, repeatedViews: 2 });
});

it('finds what was accepted and is nowhere', () => {
  const ledger = ledgerOf(view('a'), order('o'));
  ledger.sending([view('b')]);
  ledger.answered('b', 'duplicate');
  ledger.close([partition('p'), topic()]);
  expect(ledger.violations()).toEqual([
    'view a was accepted and is lost',
    'order o was accepted and is lost',
    'view b was accepted and is lost',
  ]);
});

it('finds an order that is there twice, answered or not', () => {
  const ledger = ledgerOf(order('o'));
  ledger.sending([order('p')]);
  ledger.close([topic(order('o'), order('p'), order('o'), order('p'))]);
  expect(ledger.violations()).toEqual(['order o is there 2 times', 'order p is there 2 times']);
});

it('finds what was rejected and is there all the same, and what was both accepted and rejected', () => {
  const ledger = ledgerOf(view('both'));
  ledger.sending([view('bad')]);
  ledger.answered('bad', 'rejected');
  ledger.answered('both', 'rejected');
  ledger.close([partition('p', view('both'), view('bad'))]);
  expect(ledger.violations()).toEqual(['view both was accepted and rejected', 'view bad was rejected and is there']);
});

it('finds what nobody sent, in a broker and in an answer', () => {
  const ledger = createGatewayLedger();
  ledger.answered('x', 'accepted');
  ledger.close([partition('p', view('y'))]);
  expect(ledger.violations()).toEqual(['x was answered and nobody sent it', 'y is in p and nobody sent it']);
});

it('finds events in the wrong broker, under the wrong visitor, and a visitor in two partitions', () => {
  const ledger = ledgerOf(order('o'), view('a', 'v'), view('b', 'w'), view('c', 'w'));
  ledger.close([partition('p', order('o'), view('a', 'other'), view('b', 'w')), partition('q', view('c', 'w'))]);
  expect(ledger.violations()).toEqual(['order o is in p', "a of v is in p as other's", 'w is in p and in q']);
});

it('finds an order of events that was turned round, with others between', () => {
  const ledger = ledgerOf(view('a'), view('b'), view('c'));
  ledger.close([partition('p', view('b'), view('a'), view('c'))]);
  expect(ledger.violations()).toEqual(['p: b was sent after a was accepted and comes before it']);
});

it('of a gateway that is several processes it asks for no order, and for all the rest', () => {
  const ledger = createGatewayLedger({ inOrder: false });
  for (const event of [view('a'), view('b'), view('c')]) {
    ledger.sending([event]);
    ledger.answered(event.id, 'accepted');
  }
  ledger.close([partition('p', view('b'), view('a'))]);
  expect(ledger.violations()).toEqual(['view c was accepted and is lost']);
});

it('takes no order for promised between events that were under way at once, or that were not accepted', () => {
  const ledger = createGatewayLedger();
  ledger.sending([view('a')]);
  ledger.sending([view('b')]);
  ledger.answered('a', 'accepted');
  ledger.answered('b', 'accepted');
  ledger.sending([view('never answered')]);
  ledger.sending([view('c')]);
  ledger.answered('c', 'accepted');
  ledger.close([partition('p', view('b'), view('a'), view('c'), view('never answered'))]);
  expect(ledger.violations()).toEqual([]);
});

it('keeps what was seen to be broken under load', () => {
  const ledger = createGatewayLedger();
  ledger.broken('the gateway ended by itself');
  ledger.close([]);
  expect(ledger.violations()).toEqual(['the gateway ended by itself']);
});
