import './style.css';
import type { LiveFigures } from '../../shared/live.js';
import { createAnnouncer } from './announce.js';
import { createBoard, type Figures } from './board.js';
import { byId, setText } from './dom.js';
import { isEmpty } from './figures.js';
import { createFirstEvent } from './first-event.js';
import { formatClock } from './format.js';
import { createHeadline } from './headline.js';
import { createLogin } from './login.js';
import { createRangeChoice, LIVE, type Range } from './range.js';
import { connectStream, type StreamState } from './stream.js';
import { createSystem } from './system.js';
import { createThemeSwitch } from './theme-switch.js';
import { createVisitorDialog } from './visitor.js';

const STATE_TEXTS: Readonly<Record<StreamState | 'paused', string>> = {
  connecting: 'Connecting',
  live: 'Live',
  trouble: 'No figures: the server cannot read them',
  reconnecting: 'Reconnecting',
  refused: 'Locked',
  paused: 'Paused',
};
/** A range that is not the live one is read this often. */
const RANGE_EVERY_MS = 30_000;

const announcer = createAnnouncer(byId('announcement'));
const headline = createHeadline(announcer);
const firstEvent = createFirstEvent();
const board = createBoard(createVisitorDialog(() => serverNowMs()));
const system = createSystem();

let state: StreamState = 'connecting';
let paused = false;
let range: Range = LIVE;
/** Looks at a range that are under way. */
let looks = 0;
let latest: LiveFigures | undefined;
let shownAt: { readonly serverMs: number; readonly pageMs: number } | undefined;

/** The server's clock goes on from the last reading; the viewer's own clock may be wrong. */
const serverNowMs = () => (shownAt ? shownAt.serverMs + performance.now() - shownAt.pageMs : Date.now());

function showState(): void {
  const shown = paused && state === 'live' ? 'paused' : state;
  if (document.body.dataset['state'] === shown) return;
  const first = document.body.dataset['state'] === 'connecting';
  document.body.dataset['state'] = shown;
  setText(byId('state-text'), STATE_TEXTS[shown]);
  // The name of a tab says nothing of how old its figure is, and must not tell it to who has no token.
  if (state !== 'live') document.title = 'Penstock';
  if (!first) announcer.now(STATE_TEXTS[shown]);
}

function showFigures(figures: LiveFigures): void {
  setText(byId('as-of'), formatClock(figures.asOf));
  const first = shownAt === undefined;
  shownAt = { serverMs: Date.parse(figures.asOf), pageMs: performance.now() };
  firstEvent.show(isEmpty(figures));
  headline.show(figures);
  board.show(figures as Figures);
  if (first) system.open();
  tick();
}

function tick(): void {
  if (shownAt && !paused && state === 'live') headline.tick(serverNowMs());
}

async function look(): Promise<void> {
  const problem = byId('range-problem');
  looks++;
  try {
    if (await board.look(range, serverNowMs())) setText(problem, '');
  } catch {
    setText(problem, 'The figures of this range could not be read.');
  } finally {
    looks--;
  }
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

createThemeSwitch(announcer);
createRangeChoice((chosen) => {
  range = chosen;
  void look();
});
const pause = byId('pause');
pause.addEventListener('click', () => {
  paused = !paused;
  system.pause(paused);
  setText(pause, paused ? 'Resume' : 'Pause');
  if (!paused && latest) showFigures(latest);
  if (!paused && range !== LIVE) void look();
  showState();
});
document.addEventListener('visibilitychange', () => {
  // A hidden page hears nothing, and the name of its tab must not tell an old figure.
  if (document.hidden) document.title = 'Penstock';
  else if (range !== LIVE && !paused) void look();
});
setInterval(tick, 1_000);
setInterval(() => {
  // One that takes longer than this is not begun again, or it would never end.
  if (looks === 0 && range !== LIVE && !paused && !document.hidden && state === 'live') void look();
}, RANGE_EVERY_MS);
stream.open();
