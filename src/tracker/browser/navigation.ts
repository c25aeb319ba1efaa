import { guarded, on } from './guarded.js';

/** Routers replace addresses and set titles in the moments after a move. */
const SETTLE_MS = 100;

/**
 * What tells one page from another; not the query, which pages tidy and filter by. A fragment such as `#/cart` is a page
 * of its own, as some single-page applications have it; others are places in a page.
 */
const pathOf = () => location.pathname + (location.hash.match(/^#!?\/.*/) ?? '');

let referrer = document.referrer;

export const pageFields = () => ({ url: location.href, path: pathOf(), title: document.title, referrer });

/**
 * Calls `view` for each new path of a single-page application, and once for paths that follow at once. Returns what tells
 * of a move at once that has not been told yet.
 */
export function watchNavigation(view: () => void): () => void {
  let path = pathOf();
  let url = location.href;
  const settle = guarded(() => {
    const from = url;
    url = location.href;
    if (path === pathOf()) return;
    path = pathOf();
    referrer = from;
    view();
  });
  const moved = () => setTimeout(settle, SETTLE_MS);
  for (const method of ['pushState', 'replaceState'] as const) {
    const original = history[method];
    history[method] = (...args) => {
      original.apply(history, args);
      moved();
    };
  }
  on('popstate hashchange', moved);
  // `navigation.navigate()` calls no method of the history.
  (window as { navigation?: EventTarget }).navigation?.addEventListener('currententrychange', moved);
  return settle;
}
