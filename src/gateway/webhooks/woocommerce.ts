import { compact, type Fields, fieldsOf, numberOf, textOf } from '../protocols/fields.js';
import { type NativeEvent, timeOf } from '../protocols/foreign.js';
import { contextOfCountry, headerOf, isHmacOf, type Shop } from './shop.js';

/** WooCommerce: `order.created` and `order.updated`. An order is told as it stands, with the refunds it has had. */
const TOPICS: ReadonlySet<unknown> = new Set(['order.created', 'order.updated']);
/** Of orders that have no time of payment, such as those that are paid on delivery. */
const TAKEN: ReadonlySet<unknown> = new Set(['processing', 'completed']);

export const wooCommerce: Shop = {
  name: 'woocommerce',
  isSigned({ headers, body }, secrets) {
    const signature = headerOf(headers, 'x-wc-webhook-signature');
    return signature !== undefined && isHmacOf(body, signature, { secrets, encoding: 'base64' });
  },
  isPing: ({ headers, body }) =>
    headers['x-wc-webhook-signature'] === undefined && body.length < 40 && /^webhook_id=\d+$/.test(body.toString()),
  tellsOldOrders: true,
  read(headers, order) {
    if (!TOPICS.has(headerOf(headers, 'x-wc-webhook-topic'))) return undefined;
    const refunds = Array.isArray(order['refunds']) ? order['refunds'] : [];
    const paidAt =
      textOf(order['date_paid_gmt']) ?? (TAKEN.has(order['status']) ? order['date_created_gmt'] : undefined);
    const modifiedAt = timeOf(order['date_modified_gmt'] ?? order['date_created_gmt']);
    // Once it has had refunds, or was changed, the order itself has been told of.
    const isNew = paidAt !== undefined && refunds.length === 0;
    const events = isNew
      ? [orderOf(order, timeOf(paidAt))]
      : refunds.map((refund) => refundOf(order, refund, modifiedAt));
    // An old order that is changed is not a new one: its own time counts, not that of the change.
    return events.length === 0 ? undefined : { events, writtenAt: isNew ? timeOf(paidAt) : modifiedAt };
  },
};

function orderOf(order: Fields, paidAt: unknown): NativeEvent {
  return {
    type: 'purchase',
    id: `woocommerce:order:${String(order['id'])}`,
    occurredAt: paidAt,
    userId: userOf(order),
    properties: compact({
      transaction_id: order['id'],
      order_name: order['number'],
      value: numberOf(order['total']),
      currency: order['currency'],
      tax: numberOf(order['total_tax']),
      shipping: numberOf(order['shipping_total']),
      discount: numberOf(order['discount_total']),
      items: Array.isArray(order['line_items']) ? order['line_items'].map(itemOf) : undefined,
    }),
    context: contextOfCountry(fieldsOf(order['billing'])?.['country']),
  };
}

function itemOf(value: unknown): unknown {
  const line = fieldsOf(value);
  return compact({
    item_id: line?.['product_id'],
    item_name: line?.['name'],
    sku: textOf(line?.['sku']),
    price: numberOf(line?.['price']),
    quantity: line?.['quantity'],
  });
}

/** Its total is negative. */
function refundOf(order: Fields, value: unknown, modifiedAt: unknown): NativeEvent {
  const refund = fieldsOf(value);
  const total = numberOf(refund?.['total']);
  return {
    type: 'refund',
    id: `woocommerce:refund:${String(order['id'])}:${String(refund?.['id'])}`,
    occurredAt: modifiedAt,
    userId: userOf(order),
    properties: compact({
      transaction_id: order['id'],
      refund_id: refund?.['id'],
      value: typeof total === 'number' ? Math.abs(total) : total,
      currency: order['currency'],
    }),
    context: contextOfCountry(fieldsOf(order['billing'])?.['country']),
  };
}

/** 0 is a guest. */
function userOf(order: Fields): unknown {
  return order['customer_id'] === 0 ? undefined : order['customer_id'];
}
