import { linkProperties, propertiesOf } from './autocapture.js';
import { on } from './guarded.js';
import { watchNavigation } from './navigation.js';
import { options, queue, track } from './tracker.js';

let toldPercent = 0;

function view() {
  toldPercent = 0;
  if (options.views !== 'manual') track('page_view');
}

/** One click is one event: the named one of a `data-penstock-event` element, else that of a link. */
function click(event: MouseEvent) {
  // Through the shadow of a web component as well. A document has no `matches`.
  const closest = (selector: string) =>
    event.composedPath().find((element) => (element as Partial<Element>).matches?.(selector));
  const named = closest('[data-penstock-event]') as HTMLElement | undefined;
  const link = closest('a[href]') as HTMLAnchorElement | undefined;
  const properties = link && linkProperties(link, location.hostname);
  // The secondary button opens a menu.
  if (event.button > 1) return;
  if (named) {
    track(named.dataset['penstockEvent'] || 'click', { ...properties, ...propertiesOf(named.attributes) });
  } else if (properties && (options.links === 'outbound' ? properties['outbound'] : options.links !== 'none')) {
    track('click', properties);
  }
}

/** Of the page, not of a box in it. Rounded, since browsers round where a page ends. */
function scroll(event: Event) {
  const step = +(options.scroll as string);
  const percent = Math.round((100 * (scrollY + innerHeight)) / document.documentElement.scrollHeight);
  while (event.target === document && step > 0 && toldPercent + step <= percent) {
    toldPercent += step;
    track('scroll', { percent_scrolled: toldPercent });
  }
}

/** Tracks by itself what happens on the page, from its first view on. */
export function watchPage(): void {
  const settle = watchNavigation(view);
  on('click auxclick', click);
  on('scroll', scroll);
  // Brought back from the back-forward cache: seen again, without being loaded again.
  on('pageshow', (event: PageTransitionEvent) => event.persisted && view());
  on('online', queue.retry);
  on('pagehide visibilitychange', ({ type }: Event) => {
    // Of two pages one is shown when the other is hidden: that one goes.
    if (type !== 'pagehide' && !document.hidden) return;
    settle();
    queue.leave();
  });
  view();
}
