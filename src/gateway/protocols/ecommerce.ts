import { type Fields, fieldsOf, firstOf, numberOf, setField } from './fields.js';

/**
 * Segment's names of events, as its ecommerce and SaaS specifications have them (and as they were in version 1), which
 * its whole family of trackers shares, and Google Analytics 4's.
 */
const TYPES: Readonly<Record<string, string>> = {
  'products searched': 'search',
  'product list viewed': 'view_item_list',
  'viewed product category': 'view_item_list',
  'promotion viewed': 'view_promotion',
  'viewed promotion': 'view_promotion',
  'promotion clicked': 'select_promotion',
  'clicked promotion': 'select_promotion',
  'product clicked': 'select_item',
  'clicked product': 'select_item',
  'product viewed': 'view_item',
  'viewed product': 'view_item',
  'product added': 'add_to_cart',
  'added product': 'add_to_cart',
  'wishlist product added to cart': 'add_to_cart',
  'product removed': 'remove_from_cart',
  'removed product': 'remove_from_cart',
  'cart viewed': 'view_cart',
  'checkout started': 'begin_checkout',
  'started checkout': 'begin_checkout',
  'payment info entered': 'add_payment_info',
  'shipping info entered': 'add_shipping_info',
  'order completed': 'purchase',
  'completed order': 'purchase',
  'order refunded': 'refund',
  'refunded order': 'refund',
  'product added to wishlist': 'add_to_wishlist',
  'product shared': 'share',
  'cart shared': 'share',
  'signed up': 'sign_up',
  'signed in': 'login',
};

const PROMOTION_NAMES = { promotion_name: ['name'], creative_name: ['creative'], creative_slot: ['position'] };

const ORDER_NUMBER = ['order_id', 'orderId'];

/** Properties that stay, and are also told under Google Analytics 4's name unless that is there already. */
const PROPERTY_NAMES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  purchase: { transaction_id: ORDER_NUMBER, value: ['revenue', 'total'] },
  refund: { transaction_id: ORDER_NUMBER, value: ['total', 'revenue'] },
  search: { search_term: ['query'] },
  view_item_list: { item_list_id: ['list_id'], item_list_name: ['list_name', 'category'] },
  view_promotion: PROMOTION_NAMES,
  select_promotion: PROMOTION_NAMES,
  add_payment_info: { payment_type: ['payment_method'] },
  add_shipping_info: { shipping_tier: ['shipping_method'] },
  share: { method: ['share_via'] },
};

const ITEM_NAMES: Readonly<Record<string, readonly string[]>> = {
  item_id: ['product_id', 'productId', 'id', 'sku'],
  item_name: ['name'],
  item_brand: ['brand'],
  item_category: ['category'],
  item_variant: ['variant'],
  index: ['position'],
};
const ITEM_FIELDS = ['price', 'quantity', 'coupon'];

/** Types whose product stands in the properties themselves. */
const OF_ONE_ITEM: ReadonlySet<string> = new Set([
  'select_item',
  'view_item',
  'add_to_cart',
  'remove_from_cart',
  'add_to_wishlist',
]);

const NUMBERS = ['value', 'tax', 'shipping', 'price', 'quantity'];

const MAX_TYPE_LENGTH = 100;
const SOUND_TYPE = /^[a-zA-Z0-9_.:-]{1,100}$/;

/** Goals of sites are called so too, of which nobody knows the order. */
const ORDERS: ReadonlySet<string> = new Set(['purchase', 'refund']);

/** A name that people have chosen, as a type of event: Google Analytics 4's where there is one, else in its spelling. */
export function typeOfName(name: string, properties: Fields): string | undefined {
  const known = name.length <= MAX_TYPE_LENGTH ? name.trim().toLowerCase() : '';
  if (Object.hasOwn(TYPES, known)) return TYPES[known];
  if (ORDERS.has(known) && firstOf(properties, 'transaction_id', ...ORDER_NUMBER) !== undefined) return known;
  if (SOUND_TYPE.test(name)) return name;
  const plain = name
    .slice(0, 2 * MAX_TYPE_LENGTH)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase();
  const words = plain
    .match(/[a-z0-9_.:-]+/g)
    ?.join('_')
    .slice(0, MAX_TYPE_LENGTH);
  return words === undefined || words === '' ? undefined : words;
}

/** The properties of an event in Segment's vocabulary, with those of Google Analytics 4 beside them. */
export function commerceProperties(type: string, properties: Fields): Fields {
  const added: Record<string, unknown> = {};
  const names = Object.hasOwn(PROPERTY_NAMES, type) ? PROPERTY_NAMES[type] : undefined;
  addNames(added, properties, names ?? {});
  const { products } = properties;
  if (Array.isArray(products) && properties['items'] === undefined) added['items'] = products.map(itemOf);
  else if (OF_ONE_ITEM.has(type) && properties['items'] === undefined) addOneItem(added, properties);
  for (const name of NUMBERS) {
    const value = added[name] ?? properties[name];
    if (typeof value === 'string') added[name] = numberOf(value);
  }
  const result = { ...properties, ...added };
  // Their place is taken by `items`, which has all their fields.
  if (Array.isArray(products) && added['items'] !== undefined) delete result['products'];
  return result;
}

function addNames(
  added: Record<string, unknown>,
  fields: Fields,
  names: Readonly<Record<string, readonly string[]>>,
): void {
  for (const name of Object.keys(names)) {
    const value = firstOf(fields, name, ...(names[name] ?? []));
    if (value !== undefined) added[name] = value;
  }
}

function addOneItem(added: Record<string, unknown>, properties: Fields): void {
  const item: Record<string, unknown> = {};
  addNames(item, properties, ITEM_NAMES);
  if (Object.keys(item).length === 0) return;
  for (const name of ITEM_FIELDS) {
    const value = properties[name];
    if (value !== undefined && value !== null) item[name] = numberOf(value);
  }
  added['items'] = [item];
}

function itemOf(product: unknown): unknown {
  const fields = fieldsOf(product);
  if (fields === undefined) return product;
  const item: Record<string, unknown> = {};
  addNames(item, fields, ITEM_NAMES);
  const taken = new Set(Object.values(ITEM_NAMES).flat());
  for (const key of Object.keys(fields)) {
    if (key === 'sku' || !taken.has(key))
      setField(item, key, NUMBERS.includes(key) ? numberOf(fields[key]) : fields[key]);
  }
  return item;
}
