import { compact, type Fields, fieldsOf, numberOf, textOf } from './fields.js';
import { type Named, nameEvent } from './foreign.js';

/** Snowplow's self-describing events, in Google Analytics 4's words where Snowplow itself has made the schema. */

/** What is attached to an event: the page view, a product, a session. */
export interface Entity {
  readonly schema: string;
  readonly data: Fields;
}

/** `iglu:vendor/name/format/version`. */
const IGLU = /^iglu:([^/]{1,200})\/([^/]{1,200})\/[^/]{1,50}\/[^/]{1,50}$/;
const SNOWPLOW = 'com.snowplowanalytics.';
const COMMERCE = `${SNOWPLOW}snowplow.ecommerce`;

/** By name, of Snowplow's own schemas. Others of its names are types as they are. */
const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['link_click', 'click'],
  ['submit_form', 'form_submit'],
  ['focus_form', 'form_start'],
  ['site_search', 'search'],
  ['social_interaction', 'share'],
]);

const COMMERCE_TYPES: ReadonlyMap<unknown, string> = new Map([
  ['product_view', 'view_item'],
  ['list_view', 'view_item_list'],
  ['list_click', 'select_item'],
  ['add_to_cart', 'add_to_cart'],
  ['remove_from_cart', 'remove_from_cart'],
  ['checkout_step', 'begin_checkout'],
  ['transaction', 'purchase'],
  ['refund', 'refund'],
  ['promo_view', 'view_promotion'],
  ['promo_click', 'select_promotion'],
]);

/** Type and properties of `{schema, data}`; the schema is kept as the property `schema`. */
export function nameSelfDescribing(event: unknown, entities: readonly Entity[]): Named {
  const fields = fieldsOf(event);
  const schema = textOf(fields?.['schema']);
  const [, vendor = '', name = ''] = IGLU.exec(schema ?? '') ?? [];
  const data = fieldsOf(fields?.['data']) ?? {};
  const properties = { ...data, schema };
  if (schema === undefined || name === '') return { type: undefined, properties };
  if (vendor === COMMERCE && name === 'snowplow_ecommerce_action') return commerceAction(data, schema, entities);
  return nameEvent(name, properties, vendor.startsWith(SNOWPLOW) ? TYPES : undefined);
}

/** An action of the ecommerce plug-in: what it is about is in the entities. */
function commerceAction(data: Fields, schema: string, entities: readonly Entity[]): Named {
  const { type: action, ...rest } = data;
  const entityOf = (name: string) =>
    entities.find((entity) => entity.schema.startsWith(`iglu:${COMMERCE}/${name}/`))?.data;
  const products = entities.filter((entity) => entity.schema.startsWith(`iglu:${COMMERCE}/product/`));
  const items = products.map((entity) => itemOf(entity.data));
  const order = entityOf('transaction');
  const refund = entityOf('refund');
  const promotion = entityOf('promotion');
  const properties = compact({
    ...rest,
    schema,
    action,
    transaction_id: refund?.['transaction_id'] ?? order?.['transaction_id'],
    value: numberOf(refund?.['refund_amount'] ?? order?.['revenue'] ?? entityOf('cart')?.['total_value']),
    currency: (refund ?? order ?? entityOf('cart') ?? products[0]?.data)?.['currency'],
    tax: numberOf(order?.['tax']),
    shipping: numberOf(order?.['shipping']),
    payment_type: order?.['payment_method'],
    coupon: order?.['discount_code'],
    promotion_id: promotion?.['id'],
    promotion_name: promotion?.['name'],
    item_list_name: data['name'],
    items: items.length === 0 ? undefined : items,
  });
  return { type: COMMERCE_TYPES.get(action) ?? action, properties: properties ?? {} };
}

function itemOf(product: Fields): Fields {
  const { id, name, brand, category, variant, position, price, quantity, ...rest } = product;
  const item = compact({
    ...rest,
    item_id: id,
    item_name: name,
    item_brand: brand,
    item_category: category,
    item_variant: variant,
    index: position,
    price: numberOf(price),
    quantity: numberOf(quantity),
  });
  return item ?? {};
}
