import type { FilterValue } from '../../topology/types.js';
import { AdminError, badRequest } from '../errors.js';
import { childOf, type Element, tag, type Xml } from '../xml.js';

/*
 * Parameters of SQL filters and properties of correlation filters: `KeyValueOfstringanyType { Key, Value i:type }` with the
 * simple types of XML Schema.
 */
const SCHEMA = 'http://www.w3.org/2001/XMLSchema';
const INT32_MAX = 2n ** 31n;
const MAX_VALUES = 256;

const INTEGERS = new Set(['byte', 'short', 'int', 'long', 'unsignedByte', 'unsignedShort', 'unsignedInt']);
const DOUBLES = new Set(['float', 'double', 'decimal']);

function readValue(type: string, text: string): FilterValue {
  const wrong = badRequest(`A value is not of its type, ${type}.`);
  if (type === 'string' || type === 'guid' || type === 'char') return text;
  const word = text.trim();
  if (INTEGERS.has(type)) {
    if (!/^[+-]?\d{1,19}$/.test(word) || BigInt.asIntN(64, BigInt(word)) !== BigInt(word)) throw wrong;
    return BigInt(word);
  }
  if (DOUBLES.has(type)) {
    if (word === '' || !Number.isFinite(Number(word))) throw wrong;
    return Number(word);
  }
  if (type === 'boolean') {
    if (word !== 'true' && word !== 'false' && word !== '1' && word !== '0') throw wrong;
    return word === 'true' || word === '1';
  }
  if (type === 'dateTime') {
    const date = new Date(word);
    if (Number.isNaN(date.getTime())) throw wrong;
    return date;
  }
  throw new AdminError('PS_ADMIN_UNSUPPORTED', `The embedded broker does not have values of the type ${type}.`);
}

/** Undefined where none are given. */
export function readValues(list: Element | undefined): Readonly<Record<string, FilterValue>> | undefined {
  const pairs = list?.children ?? [];
  if (pairs.length === 0) return undefined;
  if (pairs.length > MAX_VALUES) throw badRequest(`There are more than ${MAX_VALUES} values.`);
  const values = pairs.map((pair): [string, FilterValue] => {
    const [key, value] = [childOf(pair, 'Key')?.text, childOf(pair, 'Value')];
    if (!key || !value) throw badRequest('A pair has no key or no value.');
    return [key, readValue(value.attributes.get('type')?.replace(/^.*:/, '') ?? 'string', value.text)];
  });
  // A record without a prototype: keys are the caller's.
  return Object.assign(Object.create(null) as Record<string, FilterValue>, Object.fromEntries(values));
}

function typed(value: FilterValue): readonly [type: string, text: string] {
  switch (typeof value) {
    case 'string':
      return ['string', value];
    case 'boolean':
      return ['boolean', String(value)];
    case 'number':
      return ['double', String(value)];
    case 'bigint':
      return [value >= -INT32_MAX && value < INT32_MAX ? 'int' : 'long', String(value)];
    default:
      return value === null ? ['string', ''] : ['dateTime', value.toISOString()];
  }
}

/** The prefix has to have four letters: the JavaScript client cuts five characters off to see the type. */
export function writeValues(name: string, values: Readonly<Record<string, FilterValue>> | undefined): Xml | undefined {
  const pairs = Object.entries(values ?? {});
  if (pairs.length === 0) return undefined;
  return tag(
    name,
    {},
    ...pairs.map(([key, value]) => {
      const [type, text] = typed(value);
      const attributes = { 'i:type': `d6p1:${type}`, 'xmlns:d6p1': SCHEMA };
      return tag('KeyValueOfstringanyType', {}, tag('Key', {}, key), tag('Value', attributes, text));
    }),
  );
}
