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
function click(event: Event) {
  const element = event.composedPath()[0] as Partial<Element>;
  const named = element.closest?.<HTMLElement>('[data-penstock-event]');
  const link = element.closest?.<HTMLAnchorElement>('a[href]');
  const properties = link && linkProperties(link, location.hostname);
  const { links } = options;
  if (named) {
    track(named.dataset['penstockEvent'] || 'click', { ...properties, ...propertiesOf(named.attributes) });
  } else if (properties && links !== 'none' && (properties['outbound'] || links !== 'outbound')) {
    track('click', properties);
  }
}

/** Of the page, not of a box in it. Rounded, since browsers round where a page ends. */
function scroll({ target }: Event) {
  const step = Number(options.scroll);
  const percent = Math.round((100 * (scrollY + innerHeight)) / document.documentElement.scrollHeight);
  while (target === document && step > 0 && toldPercent + step <= percent) {
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
  on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && view());
  on('online', () => queue.wake());
  on('pagehide visibilitychange', () => {
    settle();
    queue.leave();
  });
  view();
}
