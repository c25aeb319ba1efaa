import { click, EVENTS_PATH, headers, purchase } from '../lib/bodies.js';
import { type LoadResult, runLoad } from '../lib/load.js';
import { type Cost, cpuMicrosEach, foreignShare, startMeter } from '../lib/meter.js';
import { hasNginx, INSTALL_NGINX, startNginx } from '../lib/nginx.js';
import { createParts, type Parts } from '../lib/parts.js';
import type { Bench, BenchContext } from '../lib/report.js';
import { startBroker, startGateway } from '../lib/system.js';

/** Enough that no server waits for the load: each has one request in flight, and an answer of Penstock takes a sync of a disk. */
const CONNECTIONS = 256;
const WARM_UP_SECONDS = 2;

/** All are measured in turn, several times over, so that a slow moment of the machine does not fall on one alone. */
const ROUNDS = 3;
const BARE_AIM = 0.5;
const NAIVE_AIM = 1.5;
/** Share of what it can take at the most, at which the gateway's latency is looked at. */
const EASE = 0.7;
const P99_AIM_MS = 25;

interface Subject {
  readonly row: string;
  readonly url: string;
  readonly body: string;
  readonly rounds: { readonly load: LoadResult; readonly cost: Cost }[];
}

/** Single events: Penstock against bare Fastify, nginx, and one awaited SDK send for each request. */
export const single: Bench = async (context) => {
  const { seconds, report, note } = context;
  const parts = createParts(context);
  try {
    const broker = await startBroker(parts);
    const gateway = await startGateway(parts, broker);
    const bare = await parts.server('bare-server');
    const naive = await parts.server('naive-server', broker);
    const subject = (row: string, url: string, body: string): Subject => ({ row, url, body, rounds: [] });
    const nginx = hasNginx() ? await startNginx(parts) : undefined;
    if (nginx === undefined) note(INSTALL_NGINX);
    const subjects = {
      ...(nginx === undefined ? {} : { nginx: subject('nginx, answers 204', nginx, click) }),
      bareClick: subject('bare Fastify, page view', bare, click),
      click: subject('Penstock, page view to the hub', gateway, click),
      barePurchase: subject('bare Fastify, purchase', bare, purchase),
      naive: subject('naive handler, purchase to the topic', naive, purchase),
      purchase: subject('Penstock, purchase to the topic', gateway, purchase),
    };
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of Object.values(subjects)) {
        note(`${one.row}, round ${round + 1} of ${ROUNDS}`);
        one.rounds.push(await measure(parts, one, round === 0 ? WARM_UP_SECONDS : 0, Math.ceil(seconds / ROUNDS)));
      }
    }
    for (const one of Object.values(subjects)) {
      const baseline = { [subjects.click.row]: subjects.bareClick, [subjects.purchase.row]: subjects.barePurchase };
      const against = baseline[one.row];
      const ratios = against && { bare: rate(one) / rate(against), naive: rate(one) / rate(subjects.naive) };
      report({
        ...figureOf(one),
        ...(ratios && {
          ratios,
          aim: {
            text: `≥ ${BARE_AIM} × bare, ≥ ${NAIVE_AIM} × naive`,
            met: ratios.bare >= BARE_AIM && ratios.naive >= NAIVE_AIM,
          },
        }),
      });
    }
    // The same host and load: what of a tail is theirs stands in both.
    await atEase(subjects.bareClick, { seconds, report });
    await atEase(subjects.click, { seconds, report }, P99_AIM_MS);
  } finally {
    await parts.stop();
  }
};

async function atEase(subject: Subject, { seconds, report }: Pick<BenchContext, 'seconds' | 'report'>, aimMs?: number) {
  const { row, url, body } = subject;
  const perSecond = Math.round(EASE * rate(subject));
  const load = await runLoad({ ...loadOf({ url, body }), perSecond, warmUpSeconds: WARM_UP_SECONDS, seconds });
  report({
    row: `${row} at ${EASE * 100} % of that load, p99`,
    value: load.p99Ms,
    unit: 'ms',
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    ...(aimMs !== undefined && { aim: { text: `< ${aimMs} ms`, met: load.p99Ms < aimMs } }),
  });
}

const loadOf = ({ url, body }: Pick<Subject, 'url' | 'body'>) => ({
  url,
  path: EVENTS_PATH,
  headers,
  bodies: [body],
  uniqueIds: body === purchase,
  connections: CONNECTIONS,
});

async function measure(parts: Parts, { url, body }: Subject, warmUpSeconds: number, seconds: number) {
  const meter = startMeter(parts);
  const load = await runLoad({ ...loadOf({ url, body }), warmUpSeconds, seconds });
  return { load, cost: meter() };
}

/** Requests a second over all rounds, which are of equal length. */
function rate({ rounds }: Subject): number {
  return rounds.reduce((sum, { load }) => sum + load.perSecond, 0) / rounds.length;
}

/** Rate over all rounds; the latencies of the round in the middle; the disturbance of the worst. */
function figureOf(subject: Subject) {
  const { row, rounds } = subject;
  const middle = (of: (load: LoadResult) => number) =>
    rounds.map(({ load }) => of(load)).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  const last = rounds.at(-1);
  return {
    row,
    value: rate(subject),
    unit: 'requests/s',
    p50Ms: middle((load) => load.p50Ms),
    p99Ms: middle((load) => load.p99Ms),
    cpuMicros: last === undefined ? {} : cpuMicrosEach(last.cost, last.load.answeredInAll),
    foreignShare: Math.max(...rounds.map(({ load, cost }) => foreignShare(cost, [load]))),
  };
}
