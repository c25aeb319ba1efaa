import { createRequire } from 'node:module';
import { badRequest } from './errors.js';

/** An element as it was read. Namespace prefixes are cut from names: what the clients write differs only in those. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** All text directly inside, unescaped. */
  readonly text: string;
}

/** The descriptions are six levels deep. */
const MAX_DEPTH = 16;

const CDATA = '#cdata';

type Library = typeof import('fast-xml-parser');
interface Reader {
  readonly isWellFormed: (text: string) => boolean;
  readonly parse: (text: string) => RawNode[];
}
let reader: Reader | undefined;

/** The library is loaded with the first document: a broker that nobody administers starts faster without. */
function openReader(): Reader {
  const { XMLParser, XMLValidator } = createRequire(import.meta.url)('fast-xml-parser') as Library;
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    removeNSPrefix: true,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    // Kept apart from text: it has no entities.
    cdataPropName: CDATA,
    ignoreDeclaration: true,
    ignorePiTags: true,
    // Documents with a DOCTYPE are refused, and the five predefined entities are resolved here.
    processEntities: false,
  });
  return {
    isWellFormed: (text) => XMLValidator.validate(text) === true,
    parse: (text) => parser.parse(text) as RawNode[],
  };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function codePoint(value: number): string {
  if (Number.isInteger(value) && value > 0 && value <= 0x10ffff) return String.fromCodePoint(value);
  throw badRequest('The body has a character reference to no character.');
}

/** Resolves the predefined entities and character references (XML 1.0, sections 4.1 and 4.6). */
function resolveEntities(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-z]{1,4});|&/g, (_, reference: string | undefined) => {
    if (reference?.startsWith('#x')) return codePoint(Number.parseInt(reference.slice(2), 16));
    if (reference?.startsWith('#')) return codePoint(Number(reference.slice(1)));
    const entity = reference && ENTITIES[reference];
    if (entity === undefined || entity === '') throw badRequest('The body refers to an unknown XML entity.');
    return entity;
  });
}

/** What the parser gives for one node: its name as the one key beside the attributes. */
type RawNode = Readonly<Record<string, unknown>>;

/** The one key of a node beside its attributes. */
const keyOf = (node: RawNode) => Object.keys(node).find((key) => key !== ':@') as string;

const rawText = (node: RawNode) => String(node['#text'] ?? '');

function toElement(node: RawNode, depth: number): Element {
  if (depth > MAX_DEPTH) throw badRequest('The body is nested too deeply.');
  const name = keyOf(node);
  const children: Element[] = [];
  let text = '';
  for (const child of node[name] as RawNode[]) {
    const key = keyOf(child);
    if (key === '#text') text += resolveEntities(rawText(child));
    else if (key === CDATA) text += (child[CDATA] as RawNode[]).map(rawText).join('');
    else children.push(toElement(child, depth + 1));
  }
  const attributes = Object.entries((node[':@'] ?? {}) as Record<string, string>);
  return { name, attributes: new Map(attributes.map(([key, value]) => [key, resolveEntities(value)])), children, text };
}

/**
 * Parses a document without a DOCTYPE; its root element.
 * @throws AdminError PS_ADMIN_BAD_REQUEST
 */
export function parseXml(text: string): Element {
  if (/<!DOCTYPE/i.test(text)) throw badRequest('The body must not have a DOCTYPE.');
  reader ??= openReader();
  if (!reader.isWellFormed(text)) throw badRequest('The body is not well-formed XML.');
  let nodes: RawNode[];
  try {
    nodes = reader.parse(text);
  } catch (cause) {
    throw Object.assign(badRequest('The body is not well-formed XML.'), { cause });
  }
  const [root, ...more] = nodes.filter((node) => keyOf(node) !== '#text' || rawText(node).trim() !== '');
  if (!root || more.length > 0 || keyOf(root).startsWith('#')) throw badRequest('The body is not one XML element.');
  return toElement(root, 1);
}

export const childOf = (element: Element | undefined, name: string): Element | undefined =>
  element?.children.find((child) => child.name === name);

/** Text that is XML already. Only `tag` makes it, so that nothing gets in unescaped. */
export interface Xml {
  readonly xml: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
};

/** What XML 1.0 (section 2.2) cannot hold; it becomes U+FFFD. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\p{Surrogate}]/gu;

/** Escapes for text and for attributes. */
const escaped = (text: string) =>
  text
    .replace(UNPRINTABLE, '\ufffd')
    .replace(/[<>&"']/g, (character) => ESCAPES[character] as string)
    .replace(/\r/g, '&#xD;');

/** One element without any white space around its content: clients take white space for content. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly (Xml | string | undefined)[]
): Xml {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const inner = content.map((part) => (typeof part === 'string' ? escaped(part) : (part?.xml ?? '')));
  return { xml: `<${name}${written.join('')}>${inner.join('')}</${name}>` };
}

/** An element with one text, or nothing where there is no value. */
export const field = (name: string, value: string | number | boolean | undefined): Xml | undefined =>
  value === undefined ? undefined : tag(name, {}, String(value));

export const timeField = (name: string, timeMs: number): Xml => tag(name, {}, new Date(timeMs).toISOString());
