import { click, EVENTS_PATH, headers, purchase } from '../lib/bodies.js';
import { type LoadResult, runLoad } from '../lib/load.js';
import { type Cost, cpuMicrosEach, foreignShare, startMeter } from '../lib/meter.js';
import { createParts, type Parts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';
import { startBroker, startGateway } from '../lib/system.js';

/** Enough that no server waits for the load; each connection has one request in flight. */
const CONNECTIONS = 128;
const WARM_UP_SECONDS = 2;

/** All are measured in turn, several times over, so that a slow moment of the machine does not fall on one alone. */
const ROUNDS = 3;

interface Subject {
  readonly row: string;
  readonly url: string;
  readonly body: string;
  readonly rounds: { readonly load: LoadResult; readonly cost: Cost }[];
}

/** Single events: Penstock against bare Fastify and against one awaited SDK send for each request. */
export const single: Bench = async ({ seconds, profileDir, report, note }) => {
  const parts = createParts(profileDir);
  try {
    const broker = await startBroker(parts);
    const gateway = await startGateway(parts, broker);
    const bare = await parts.server('bare-server');
    const naive = await parts.server('naive-server', broker);
    const subject = (row: string, url: string, body: string): Subject => ({ row, url, body, rounds: [] });
    const subjects = {
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
          aim: { text: '≥ 0.35 × bare, ≥ 1.5 × naive', met: ratios.bare >= 0.35 && ratios.naive >= 1.5 },
        }),
      });
    }
  } finally {
    await parts.stop();
  }
};

async function measure(parts: Parts, { url, body }: Subject, warmUpSeconds: number, seconds: number) {
  const meter = startMeter(parts);
  const load = await runLoad({
    url,
    path: EVENTS_PATH,
    headers,
    bodies: [body],
    uniqueIds: body === purchase,
    connections: CONNECTIONS,
    warmUpSeconds,
    seconds,
  });
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
