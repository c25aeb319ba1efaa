/**
 * The tracker. On a site:
 *
 *     <script async src="https://collector.example/penstock.js" data-key="WRITE_KEY"></script>
 *
 * and, for calls before it has loaded, this before it:
 *
 *     <script>window.penstock=window.penstock||function(){(penstock.q=penstock.q||[]).push(arguments)}</script>
 *
 * Then `penstock('purchase', { transaction_id: 'T1', value: 9.5, currency: 'EUR' })` sends an event, and
 * `penstock('identify', 'user-1')` names the user of this and all later events on this browser (`null` forgets). Page
 * views, and clicks on links and on elements with `data-penstock-event`, are sent by themselves. `data-host` names
 * another collector than the one that the script came from. Nothing here ever throws into the page.
 */
import { captureClick, type Properties } from './autocapture.js';
import { campaignOf } from './campaign.js';
import { createIdentity, createUuid } from './identity.js';
import { createQueue } from './queue.js';
import { createStorage } from './storage.js';
import { createTransport } from './transport.js';

type Call = (...args: unknown[]) => void;
type PenstockWindow = typeof globalThis & { penstock?: Call & { q?: ArrayLike<unknown>[]; live?: true } };

const page = globalThis as PenstockWindow;

/** A page must never break because it is measured. */
const guarded =
  <A extends unknown[]>(task: (...args: A) => void) =>
  (...args: A): void => {
    try {
      task(...args);
    } catch {
      // Measured or not: the page goes on.
    }
  };

function start(script: HTMLScriptElement): void {
  const host = script.dataset['host'] || script.src;
  const url = `${new URL(host, location.href).origin}/v1/events?writeKey=${encodeURIComponent(script.dataset['key'] ?? '')}`;
  const now = Date.now;
  const uuid = createUuid((bytes) => crypto.getRandomValues(bytes));
  const identity = createIdentity({ storage: createStorage(() => localStorage), now, uuid });
  const queue = createQueue({
    ...createTransport(url),
    now,
    random: Math.random,
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
  let viewedUrl = location.href;
  let referrer = document.referrer;

  const track = (type: string, properties: Properties = {}) => {
    queue.add(
      JSON.stringify({
        id: uuid(),
        type,
        occurredAt: new Date(now()).toISOString(),
        ...identity.current(),
        page: { url: location.href, path: location.pathname, title: document.title, referrer },
        properties,
        context: { locale: navigator.language, campaign: campaignOf(location.search) },
      }),
    );
  };
  const view = () => track('page_view');
  /** A single-page application changes the address without loading a page. */
  const moved = () =>
    setTimeout(
      guarded(() => {
        const from = viewedUrl;
        viewedUrl = location.href;
        // An anchor in the same page is no new page.
        if (from.split('#')[0] === viewedUrl.split('#')[0]) return;
        referrer = from;
        view();
      }),
    );
  const call = guarded((...[name, value]: unknown[]) => {
    if (name === 'identify') identity.identify(value == null ? null : String(value));
    else track(String(name), (value as Properties | null) ?? {});
  });

  const early = page.penstock?.q ?? [];
  page.penstock = Object.assign(call, { live: true as const });
  const { pushState } = history;
  history.pushState = function (...args) {
    pushState.apply(this, args);
    moved();
  };
  addEventListener('popstate', moved);
  for (const kind of ['click', 'auxclick']) {
    document.addEventListener(
      kind,
      guarded((event: Event) => captureClick(event, track, location.hostname)),
      true,
    );
  }
  // Brought back from the back-forward cache: seen again, without being loaded again.
  addEventListener(
    'pageshow',
    guarded((event) => event.persisted && view()),
  );
  const leave = guarded(queue.leave);
  addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && leave());
  for (const args of Array.from(early)) call(...Array.from(args));
  guarded(view)();
}

guarded(() => {
  const script = (document.currentScript ??
    document.querySelector('script[data-key][src*="penstock"]')) as HTMLScriptElement;
  if (page.penstock?.live) return;
  // A page that is rendered ahead of time has not been seen by anybody yet.
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener(
      'prerenderingchange',
      guarded(() => start(script)),
      { once: true },
    );
  } else start(script);
})();
