import { compact, type Fields, fieldsOf, numberOf, textOf } from '../protocols/fields.js';
import type { NativeEvent } from '../protocols/foreign.js';
import { contextOfCountry, headerOf, isHmacOf, type Shop, type Told } from './shop.js';

/** Shopify: `orders/create` of paid orders, `orders/paid` and `refunds/create`. */
export const shopify: Shop = {
  name: 'shopify',
  isSigned({ headers, body }, secrets) {
    const signature = headerOf(headers, 'x-shopify-hmac-sha256');
    return signature !== undefined && isHmacOf(body, signature, { secrets, encoding: 'base64' });
  },
  read(headers, body) {
    switch (headerOf(headers, 'x-shopify-topic')) {
      case 'orders/create':
        // Paid later, it is told again as orders/paid.
        return body['financial_status'] === 'paid' ? orderOf(body) : undefined;
      case 'orders/paid':
        return orderOf(body);
      case 'refunds/create':
        return {
          events: [refundOf(body)],
          writtenAt: body['processed_at'] ?? body['created_at'],
          isTest: listOf(body['transactions']).some((transaction) => fieldsOf(transaction)?.['test'] === true),
        };
      default:
        return undefined;
    }
  },
};

function orderOf(order: Fields): Told {
  const id = idOf(order);
  const event: NativeEvent = {
    type: 'purchase',
    id: `shopify:order:${String(id)}`,
    occurredAt: order['processed_at'] ?? order['created_at'],
    userId: idOf(fieldsOf(order['customer'])),
    properties: compact({
      transaction_id: id,
      order_name: order['name'],
      value: numberOf(order['total_price']),
      currency: order['currency'],
      tax: numberOf(order['total_tax']),
      shipping: numberOf(fieldsOf(fieldsOf(order['total_shipping_price_set'])?.['shop_money'])?.['amount']),
      discount: numberOf(order['total_discounts']),
      items: listOf(order['line_items']).map(itemOf),
    }),
    context: contextOfCountry(fieldsOf(order['billing_address'])?.['country_code']),
  };
  const writtenAt = order['updated_at'] ?? order['processed_at'] ?? order['created_at'];
  return { events: [event], writtenAt, isTest: order['test'] === true };
}

/** An id of 64 bits, of which a number in JSON may have lost the end, is told whole as `gid://shopify/Order/5001` too. */
function idOf(resource: Fields | undefined): unknown {
  const id = resource?.['id'];
  if (Number.isSafeInteger(id)) return id;
  return /\/(\d{1,20})$/.exec(textOf(resource?.['admin_graphql_api_id']) ?? '')?.[1] ?? id;
}

function itemOf(value: unknown): unknown {
  const line = fieldsOf(value);
  return compact({
    item_id: line?.['product_id'] ?? line?.['sku'],
    item_name: line?.['title'],
    item_variant: line?.['variant_title'],
    item_brand: line?.['vendor'],
    sku: line?.['sku'],
    price: numberOf(line?.['price']),
    quantity: line?.['quantity'],
  });
}

const NOT_PAID_BACK: ReadonlySet<unknown> = new Set(['failure', 'error']);

function refundOf(refund: Fields): NativeEvent {
  const paidBack = listOf(refund['transactions'])
    .map(fieldsOf)
    .filter((transaction) => transaction?.['kind'] === 'refund' && !NOT_PAID_BACK.has(transaction['status']));
  const amounts = paidBack.map((transaction) => numberOf(transaction?.['amount']));
  // The smallest unit of some currencies is a thousandth.
  const thousandths = amounts.reduce<number>((sum, amount) => sum + Math.round(Number(amount) * 1000), 0);
  return {
    type: 'refund',
    id: `shopify:refund:${String(refund['id'])}`,
    occurredAt: refund['processed_at'] ?? refund['created_at'],
    properties: compact({
      transaction_id: refund['order_id'],
      refund_id: refund['id'],
      value: amounts.length === 0 || !Number.isFinite(thousandths) ? undefined : thousandths / 1000,
      currency: paidBack[0]?.['currency'],
      items: listOf(refund['refund_line_items']).map((value) => {
        const line = fieldsOf(value);
        return { ...fieldsOf(itemOf(line?.['line_item'])), quantity: line?.['quantity'] };
      }),
    }),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
