import './style.css';
import type { LiveFigures } from '../../shared/live.js';
import { createBars } from './bars.js';
import { createTrafficChart } from './chart.js';
import { createDevices } from './devices.js';
import { byId, setText } from './dom.js';
import { isEmpty } from './figures.js';
import { createFirstEvent } from './first-event.js';
import { formatClock } from './format.js';
import { createHeadline } from './headline.js';
import { createLogin } from './login.js';
import { connectStream, type StreamState } from './stream.js';
import { createEventsTable, createVisitorsTable } from './tables.js';

const STATE_TEXTS: Readonly<Record<StreamState | 'paused', string>> = {
  connecting: 'Connecting',
  live: 'Live',
  trouble: 'No figures: the server cannot read them',
  reconnecting: 'Reconnecting',
  refused: 'Locked',
  paused: 'Paused',
};

const headline = createHeadline();
const firstEvent = createFirstEvent();
const pages = createBars('pages', 10);
const categories = createBars('categories', 10);
const parts = [headline.show, createTrafficChart(), createDevices(), createVisitorsTable(), createEventsTable()];

let state: StreamState = 'connecting';
let paused = false;
let latest: LiveFigures | undefined;
let shownAt: { readonly serverMs: number; readonly pageMs: number } | undefined;

function showState(): void {
  const shown = paused && state === 'live' ? 'paused' : state;
  document.body.dataset['state'] = shown;
  setText(byId('state-text'), STATE_TEXTS[shown]);
}

function showFigures(figures: LiveFigures): void {
  setText(byId('as-of'), formatClock(figures.asOf));
  shownAt = { serverMs: Date.parse(figures.asOf), pageMs: performance.now() };
  firstEvent.show(isEmpty(figures));
  for (const part of parts) part(figures);
  pages(figures.pages.map(({ path, views }) => ({ label: path, value: views })));
  categories(figures.categories.map(({ category, views }) => ({ label: category, value: views })));
  tick();
}

/** The server's clock goes on from the last reading; the viewer's own clock may be wrong. */
function tick(): void {
  if (shownAt && !paused && state === 'live') headline.tick(shownAt.serverMs + performance.now() - shownAt.pageMs);
}

const stream = connectStream({
  onState(next) {
    if (next === 'refused') login.ask();
    state = next;
    showState();
  },
  onFigures(figures) {
    latest = figures;
    if (!paused) showFigures(figures);
  },
});
const login = createLogin(() => stream.open());

const pause = byId('pause');
pause.addEventListener('click', () => {
  paused = !paused;
  setText(pause, paused ? 'Resume' : 'Pause');
  if (!paused && latest) showFigures(latest);
  showState();
});
setInterval(tick, 1_000);
stream.open();
