/**
 * The tracker. On a site:
 *
 *     <script async src="https://collector.example/penstock.js" data-key="WRITE_KEY"></script>
 *
 * `../index.ts` has its options, which are attributes too, and what a page can say to it. Calls from before it has
 * loaded it finds in `penstock.q`, if the page has left them there. Nothing here ever throws into the page.
 */
import { guarded, on } from './guarded.js';
import { commands, options, track } from './tracker.js';
import { watchPage } from './watch.js';

type Call = [name: string, ...given: unknown[]];
type Say = (...call: Call) => void;
type Entry = Say & { q?: Iterable<Call>; isLive?: true };

const page = window as unknown as { penstock?: Entry };
const stub = page.penstock;
const script = document.currentScript as HTMLScriptElement | null;
const waiting: Call[] = [];
let isStarted = false;

const say: Say = guarded((name, ...given) => {
  if (!isStarted && name !== 'init') waiting.push([name, ...given]);
  else if (name in commands) (commands[name as 'page'] as (...given: unknown[]) => void)(...given);
  else (track as Say)(name, ...given);
});

function start() {
  isStarted = true;
  for (const call of waiting) say(...call);
  watchPage();
}

commands.init = (given) => {
  if (options.key) return;
  Object.assign(options, { host: script?.src }, script?.dataset, given);
  if (!options.key) return;
  // A page that is rendered ahead of time has not been seen by anybody yet.
  if ((document as { prerendering?: boolean }).prerendering) on('prerenderingchange', start);
  else start();
};

if (!stub?.isLive) {
  page.penstock = say;
  (say as Entry).isLive = true;
  for (const name in commands) (say as unknown as Record<string, Say>)[name] = (...args) => say(name, ...args);
  for (const call of stub?.q ?? []) say(...call);
  say('init');
}
