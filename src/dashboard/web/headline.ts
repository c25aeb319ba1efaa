import type { LiveFigures } from '../../shared/live.js';
import type { Announcer } from './announce.js';
import { byId, setText } from './dom.js';
import { deviceShares, judge, type MinuteFigure, pageViewsFigure, visitorsFigure } from './figures.js';
import { formatAge, formatChange, formatLabel, formatNumber, formatPercent } from './format.js';

export interface Headline {
  show(figures: LiveFigures): void;
  /** Lets the age of the newest event grow. `nowMs` is the server's time. */
  tick(nowMs: number): void;
}

export function createHeadline(announcer: Announcer): Headline {
  const age = byId('newest-age');
  const type = byId('newest-type');
  let newestMs: number | undefined;

  return {
    show(figures) {
      const visitors = visitorsFigure(figures);
      showMinuteFigure('visitors', visitors);
      showMinuteFigure('page-views', pageViewsFigure(figures));
      document.title = `${formatNumber(visitors.total)} visitors · Penstock`;
      setNumber(byId('devices-total'), formatNumber(figures.devices.total));
      const [most] = deviceShares(figures);
      setText(byId('devices-change'), most ? `${formatPercent(most.share)} on ${most.type}` : 'nobody');
      const [newest] = figures.events;
      newestMs = newest && Date.parse(newest.time);
      setText(type, newest ? formatLabel(newest.type) : 'none yet');
      type.title = type.textContent ?? '';
      announcer.figure(`${formatNumber(visitors.total)} visitors in the last 15 minutes`);
    },
    tick(nowMs) {
      setNumber(age, newestMs === undefined ? '–' : formatAge(nowMs - newestMs));
    },
  };
}

/** A number in large type: its style has to know how long it is. */
function setNumber(place: HTMLElement, text: string): void {
  setText(place, text);
  place.style.setProperty('--digits', String(text.length));
}

const CHANGE_ROOM = 7;

function showMinuteFigure(name: string, { total, lastMinute, change }: MinuteFigure): void {
  setNumber(byId(`${name}-total`), formatNumber(total));
  setText(byId(`${name}-minute`), `${formatNumber(lastMinute)} in the last full minute`);
  const delta = byId(`${name}-change`);
  setText(delta, formatChange(change, CHANGE_ROOM));
  delta.title = 'against the minute before';
  delta.dataset['judgement'] = judge(change, 'good');
}
