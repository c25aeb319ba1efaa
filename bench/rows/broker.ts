import { type AmqpLoadResult, type AmqpPlace, runAmqpLoad } from '../lib/amqp-load.js';
import { HUB, QUEUE, startEmbedded, TOPIC } from '../lib/embedded.js';
import { type Cost, cpuMicrosEach, foreignShare, startMeter } from '../lib/meter.js';
import { createParts, type Parts } from '../lib/parts.js';
import { hasRabbitMq, INSTALL_RABBITMQ, rabbitMqVersion, startRabbitMq } from '../lib/rabbitmq.js';
import type { Bench, BenchContext } from '../lib/report.js';
import { backlog } from './backlog.js';

const BODY_BYTES = 300;
const IN_FLIGHT = 1000;
/** The brokers take turns, so that a slow moment of the machine does not fall on one alone. */
const ROUNDS = 3;
const WARM_UP_SECONDS = 1;

const EVENTS_A_BATCH = 100;
const BATCHES_IN_FLIGHT = 64;
const HUB_AIM = 150_000;

interface Subject {
  readonly name: string;
  readonly place: AmqpPlace & { readonly address: string };
  readonly sends: Round[];
  readonly receives: Round[];
}

interface Round {
  readonly load: AmqpLoadResult;
  readonly cost: Cost;
}

/** The embedded broker and RabbitMQ under one same client; its hub; and what a large backlog costs it. */
export const broker: Bench = async (context) => {
  const parts = createParts(context);
  try {
    const place = await startEmbedded(parts);
    const own: Subject = { name: 'embedded broker', place: { ...place, address: QUEUE }, sends: [], receives: [] };
    const rabbit = await startBaseline(parts, context);
    const subjects = rabbit === undefined ? [own] : [own, rabbit];
    for (let round = 1; round <= ROUNDS; round++) {
      for (const one of subjects) {
        context.note(`${one.name}, round ${round} of ${ROUNDS}`);
        await measureQueue(parts, one, context.seconds / ROUNDS);
      }
    }
    reportQueue(context, 'sends', 2, own, rabbit);
    reportQueue(context, 'receives', 1.5, own, rabbit);
    await measureTopic(parts, place, context);
    await measureHub(parts, place, context);
  } finally {
    await parts.stop();
  }
  if (context.long) await backlog(context);
};

async function startBaseline(parts: Parts, { note }: BenchContext): Promise<Subject | undefined> {
  if (!hasRabbitMq()) {
    note(INSTALL_RABBITMQ);
    return undefined;
  }
  const place = await startRabbitMq(parts, QUEUE);
  return { name: `RabbitMQ ${rabbitMqVersion()}`, place, sends: [], receives: [] };
}

/** Sends for a while, then takes out everything that was sent. */
async function measureQueue(parts: Parts, { place, sends, receives }: Subject, seconds: number): Promise<void> {
  const options = {
    ...place,
    bodyBytes: BODY_BYTES,
    inFlight: IN_FLIGHT,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  };
  const sending = startMeter(parts);
  const sent = await runAmqpLoad({ ...options, work: 'send' });
  sends.push({ load: sent, cost: sending() });
  const receiving = startMeter(parts);
  const received = await runAmqpLoad({ ...options, work: 'receive', count: sent.countInAll });
  receives.push({ load: received, cost: receiving() });
}

const rate = (rounds: readonly Round[]) =>
  (rounds.reduce((sum, { load }) => sum + load.count, 0) / rounds.reduce((sum, { load }) => sum + load.ms, 0)) * 1000;

/** CPU of the brokers for one message over all rounds, and the disturbance of the worst. */
function costOf(rounds: readonly Round[]) {
  const count = rounds.reduce((sum, { load }) => sum + load.countInAll, 0);
  const cpuSeconds: Record<string, number> = {};
  for (const { cost, load } of rounds) {
    for (const [part, seconds] of Object.entries({ ...cost.cpuSeconds, client: load.cpuSeconds })) {
      cpuSeconds[part] = (cpuSeconds[part] ?? 0) + seconds;
    }
  }
  return {
    cpuMicros: cpuMicrosEach({ cpuSeconds }, count),
    foreignShare: Math.max(...rounds.map(({ cost, load }) => foreignShare(cost, [load]))),
  };
}

function reportQueue(
  { report }: BenchContext,
  what: 'sends' | 'receives',
  factor: number,
  own: Subject,
  rabbit: Subject | undefined,
): void {
  const row = (subject: Subject) => ({
    row: `${subject.name}, ${what}, ${BODY_BYTES} bytes, durable, ${IN_FLIGHT} in flight`,
    value: rate(subject[what]),
    unit: 'messages/s',
    ...costOf(subject[what]),
  });
  if (rabbit === undefined) {
    report(row(own));
    return;
  }
  const ratio = rate(own[what]) / rate(rabbit[what]);
  report(row(rabbit));
  report({
    ...row(own),
    ratios: { RabbitMQ: ratio },
    aim: { text: `≥ ${factor} × RabbitMQ`, met: ratio >= factor },
  });
}

/** What duplicate detection, four filters and a second copy cost, to be held against the sends to a queue. */
async function measureTopic(parts: Parts, place: AmqpPlace, { seconds, note, report }: BenchContext): Promise<void> {
  note('a topic with duplicate detection and four subscriptions');
  const meter = startMeter(parts);
  const load = await runAmqpLoad({
    ...place,
    work: 'send',
    address: TOPIC,
    bodyBytes: BODY_BYTES,
    applicationProperties: { type: 'purchase', source: 'shop', currency: 'EUR', value: 59.9, userId: 'user-1' },
    inFlight: IN_FLIGHT,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  });
  const rounds = [{ load, cost: meter() }];
  report({
    row: 'embedded broker, sends to a topic: duplicate detection, 4 filters, 2 copies',
    value: rate(rounds),
    unit: 'messages/s',
    ...costOf(rounds),
  });
}

/** Events a second in batches, as the Event Hubs clients send them, over all partitions. */
async function measureHub(parts: Parts, place: AmqpPlace, { seconds, note, report }: BenchContext): Promise<void> {
  note('Event Hubs batches');
  const meter = startMeter(parts);
  const load = await runAmqpLoad({
    ...place,
    work: 'send',
    address: HUB,
    bodyBytes: BODY_BYTES,
    batch: EVENTS_A_BATCH,
    inFlight: BATCHES_IN_FLIGHT,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  });
  const rounds = [{ load, cost: meter() }];
  const perSecond = rate(rounds);
  report({
    row: `embedded broker, Event Hubs batches of ${EVENTS_A_BATCH} events of ${BODY_BYTES} bytes in`,
    value: perSecond,
    unit: 'events/s',
    ...costOf(rounds),
    aim: { text: '> 150,000', met: perSecond > HUB_AIM },
  });
}
