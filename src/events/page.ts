import { type Fields, keepField, type NativeInput, readText } from './input.js';
import type { Page } from './model.js';
import { Rejection, reject } from './rejection.js';

type MutablePage = { -readonly [Key in keyof Page]: Page[Key] };

/** Longest values; browsers refuse longer URLs, and a title is for people. */
const MAX_LENGTH = { url: 8192, path: 8192, title: 2048, referrer: 8192 } as const;

/** Google Analytics 4's flat names, read from the properties where `page` does not say it. */
const FLAT_NAMES = {
  url: 'page_location',
  path: 'page_path',
  title: 'page_title',
  referrer: 'page_referrer',
} as const satisfies Record<keyof Page, string>;

const PAGE_FIELDS = Object.keys(FLAT_NAMES) as (keyof Page)[];

/**
 * The page of an event, from `page` and the flat names; a missing path is taken from the URL. Fields of `page` that
 * Penstock does not know are kept in `input.extra`.
 */
export function readPage(
  input: NativeInput,
  properties: Fields | undefined,
  depth: number,
): Page | undefined | Rejection {
  const { page } = input;
  const result: MutablePage = {};
  if (page !== undefined) {
    if (page === null || typeof page !== 'object' || Array.isArray(page)) return reject('invalid_type', '/page');
    for (const key in page) {
      const value = (page as Fields)[key];
      const fault = Object.hasOwn(MAX_LENGTH, key)
        ? assign(result, key as keyof Page, value, `/page/${key}`)
        : keepField(input, 'page', key, value, depth);
      if (fault) return fault;
    }
  } else if (properties !== undefined) {
    const fault = assignFlat(result, properties);
    if (fault) return fault;
  }
  if (result.path === undefined) {
    if (result.url === undefined)
      return result.title === undefined && result.referrer === undefined ? undefined : result;
    result.path = pathOfUrl(result.url);
  }
  return result;
}

function assignFlat(page: MutablePage, properties: Fields): Rejection | undefined {
  for (const field of PAGE_FIELDS) {
    const name = FLAT_NAMES[field];
    const fault = assign(page, field, properties[name], `/properties/${name}`);
    if (fault) return fault;
  }
  return undefined;
}

function assign(page: MutablePage, field: keyof Page, value: unknown, path: string): Rejection | undefined {
  const text = readText(value, MAX_LENGTH[field], path);
  if (text instanceof Rejection) return text;
  if (text !== undefined) page[field] = text;
  return undefined;
}

/** Scheme and authority, then the path up to query or fragment (RFC 3986, appendix B). */
const URL_PARTS = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/[^/?#]*)?([^?#]*)/;

function pathOfUrl(url: string): string {
  return URL_PARTS.exec(url)?.[1] || '/';
}
