import { badRequest } from './errors.js';
import { childOf, type Element, field, parseXml, tag, timeField, type Xml } from './xml.js';

/** The ATOM envelope (RFC 4287) around the descriptions. */
const ATOM = 'http://www.w3.org/2005/Atom';
const SERVICE_BUS = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';

export const CONTENT_TYPES = {
  entry: 'application/atom+xml;type=entry;charset=utf-8',
  feed: 'application/atom+xml;type=feed;charset=utf-8',
} as const;

/** Where an answer comes from: clients read the name of an entity from the path of its id. */
export interface Base {
  /** `https://localhost:5672`, without a slash at the end. */
  readonly origin: string;
  readonly apiVersion: string;
}

/** One description and its place. */
export interface Entry {
  /** `topic/Subscriptions/name/Rules/name`, in the case that is shown. */
  readonly path: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Name of the description element, `QueueDescription`. */
  readonly root: string;
  /** In the order that the service keeps; undefined ones are left out. */
  readonly fields: readonly (Xml | undefined)[];
}

const urlOf = ({ origin, apiVersion }: Base, path: string) => `${origin}/${encodeURI(path)}?api-version=${apiVersion}`;

function entryElement(base: Base, entry: Entry, attributes: Readonly<Record<string, string>>): Xml {
  const url = urlOf(base, entry.path);
  return tag(
    'entry',
    attributes,
    field('id', url),
    tag('title', { type: 'text' }, entry.title),
    timeField('published', entry.createdAtMs),
    timeField('updated', entry.updatedAtMs),
    tag('link', { rel: 'self', href: url }),
    tag(
      'content',
      { type: 'application/xml' },
      tag(entry.root, { xmlns: SERVICE_BUS, 'xmlns:i': INSTANCE }, ...entry.fields),
    ),
  );
}

export const entryDocument = (base: Base, entry: Entry): string => entryElement(base, entry, { xmlns: ATOM }).xml;

export interface Page {
  /** Path of the list, `$Resources/Queues`. */
  readonly path: string;
  readonly entries: readonly Entry[];
  readonly nowMs: number;
  /** Where the next page begins, when there is one. */
  readonly next?: { readonly skip: number; readonly top: number } | undefined;
}

/** Always two kinds of links in a page that has a next one: clients look for the next among several. */
export function feedDocument(base: Base, page: Page): string {
  const url = urlOf(base, page.path);
  const next = page.next && `${url}&$skip=${page.next.skip}&$top=${page.next.top}`;
  return tag(
    'feed',
    { xmlns: ATOM },
    tag('title', { type: 'text' }, page.path),
    field('id', url),
    timeField('updated', page.nowMs),
    tag('link', { rel: 'self', href: url }),
    next === undefined ? undefined : tag('link', { rel: 'next', href: next }),
    ...page.entries.map((entry) => entryElement(base, entry, {})),
  ).xml;
}

/**
 * The description inside an entry.
 * @throws AdminError PS_ADMIN_BAD_REQUEST
 */
export function parseEntry(text: string): Element {
  const root = parseXml(text);
  const content = root.name === 'entry' ? childOf(root, 'content') : undefined;
  const description = content?.children[0];
  if (!description) throw badRequest('The body is not an ATOM entry with a description.');
  return description;
}
