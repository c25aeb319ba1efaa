import { runAmqpLoad } from '../lib/amqp-load.js';
import { QUEUE, startEmbedded } from '../lib/embedded.js';
import { createParts, type Parts } from '../lib/parts.js';
import type { Bench } from '../lib/report.js';

const BODY_BYTES = 300;
const MESSAGES_A_BATCH = 250;
const BATCHES_IN_FLIGHT = 16;
const MILLION = 1_000_000;
const READY_AIM_MS = 1000;
const RESIDENT_AIM_MB = 300;
/** Taken and settled after the restart, before memory is looked at again. */
const TAKEN = 200_000;

/** Start to ready over a million stored messages, and memory with five million. */
export const backlog: Bench = async (context) => {
  const { note, report } = context;
  const parts = createParts(context);
  try {
    let place = await startEmbedded(parts);
    const fill = (count: number) =>
      runAmqpLoad({
        ...place,
        work: 'send',
        address: QUEUE,
        bodyBytes: BODY_BYTES,
        batch: MESSAGES_A_BATCH,
        inFlight: BATCHES_IN_FLIGHT,
        count,
        warmUpSeconds: 0,
        seconds: 0,
      });
    note('a million messages');
    await fill(MILLION);
    await parts.kill('broker');
    const startedMs = performance.now();
    place = await startEmbedded(parts);
    const readyMs = performance.now() - startedMs;
    report({
      row: 'embedded broker, start to ready, 1,000,000 messages stored, after kill -9',
      value: readyMs,
      unit: 'ms',
      aim: { text: '< 1 s', met: readyMs < READY_AIM_MS },
    });
    note('five million messages');
    await fill(4 * MILLION);
    reportResident(parts, report, '5,000,000 messages stored, after taking them in');
    await parts.kill('broker');
    place = await startEmbedded(parts);
    await runAmqpLoad({
      ...place,
      work: 'receive',
      address: QUEUE,
      bodyBytes: BODY_BYTES,
      inFlight: 1000,
      count: TAKEN,
      warmUpSeconds: 0,
      seconds: 0,
    });
    reportResident(parts, report, '5,000,000 messages stored, after a restart and giving 200,000 out');
  } finally {
    await parts.stop();
  }
};

function reportResident(parts: Parts, report: Parameters<Bench>[0]['report'], when: string): void {
  const megabytes = parts.residentBytes('broker') / 1024 ** 2;
  report({
    row: `embedded broker, resident memory, ${when}`,
    value: megabytes,
    unit: 'MB',
    aim: { text: '< 300 MB', met: megabytes < RESIDENT_AIM_MB },
  });
}
