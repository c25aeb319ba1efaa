import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { parsePack } from '../../../src/events/index.js';
import { createRandom } from '../../crash/support/random.js';
import { createTempDir } from '../../helpers/parts.js';
import { createBrokenExchange, SMUGGLED_ID } from './broken.js';
import { createFindings, exchange, type Findings, Lane } from './lane.js';
import { HUB, type Role, startStack } from './processes.js';
import { createHostileRequest } from './requests.js';
import { runSteadyClient, type SteadyResult } from './steady.js';

export interface AbuseOptions {
  readonly requests: number;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

export interface AbuseResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Resident memory of the gateway. */
  readonly residentMb: { readonly start: number; readonly middle: number; readonly end: number; readonly most: number };
  readonly steady: { readonly accepted: number; readonly refused: number; readonly slowestMs: number };
  /** What was promised and not kept. */
  readonly violations: readonly string[];
}

const LANES = 24;
/** Connections for what is no HTTP at all, beside the lanes. */
const BROKEN_AT_ONCE = 50;
const BROKEN_SHARE = 0.02;
const PIPELINED_SHARE = 0.1;
const SAMPLE_MS = 1000;

/** Sends hostile requests to a gateway with a real broker behind it, beside a client that does everything right. */
export async function abuseGateway(options: AbuseOptions): Promise<AbuseResult> {
  const dir = createTempDir('abuse');
  const { broker, gateway } = await startStack(dir.path);
  try {
    const findings = createFindings();
    const startMs = performance.now();
    let over = false;
    const steady = runSteadyClient(gateway.facts['url'] ?? '', () => over);
    const goesOn = (begun: number) => begun < options.requests && gateway.isAlive();
    const memory = await attack(gateway, findings, { ...options, goesOn });
    over = true;
    const result = await steady;
    const seconds = Math.round((performance.now() - startMs) / 1000);
    await judgeEnd(gateway, findings);
    const found = await readIds(broker.facts['connectionString'] ?? '', result.accepted.length);
    findings.violations.push(...violationsOf(result, found));
    const code = await gateway.stop();
    if (code !== 0) findings.violations.push(`the gateway ended with ${code}`);
    return {
      requests: findings.answered,
      seconds,
      statuses: Object.fromEntries([...findings.statuses].sort(([a], [b]) => a - b)),
      residentMb: memory,
      steady: { accepted: result.accepted.length, refused: result.refused, slowestMs: result.slowestMs },
      violations: findings.violations,
    };
  } finally {
    await gateway.stop();
    await broker.stop();
    dir.remove();
  }
}

export interface AttackOptions extends Pick<AbuseOptions, 'seed' | 'progress'> {
  /** @param begun how many requests have been sent */
  readonly goesOn: (begun: number) => boolean;
}

export async function attack(
  gateway: Role,
  findings: Findings,
  { goesOn, seed, progress }: AttackOptions,
): Promise<AbuseResult['residentMb']> {
  const random = createRandom(seed);
  const port = Number(new URL(gateway.facts['url'] ?? '').port);
  let begun = 0;
  const samples: number[] = [];
  const sampler = setInterval(() => {
    if (!gateway.isAlive()) return;
    samples.push(gateway.residentMb());
    if (samples.length % 10 === 0) progress?.(`${findings.answered} answered, ${samples.at(-1)} MB`);
  }, SAMPLE_MS);

  async function runLane(): Promise<void> {
    const lane = new Lane(port, findings);
    while (goesOn(begun)) {
      const count = random.chance(PIPELINED_SHARE) ? 2 + random.below(4) : 1;
      begun += count;
      await lane.send(Array.from({ length: count }, () => createHostileRequest(random)));
    }
    lane.close();
  }
  async function runBroken(): Promise<void> {
    // As many as their share, whatever the others do meanwhile.
    let sent = 0;
    while (goesOn(begun)) {
      if (sent * BROKEN_AT_ONCE > begun * BROKEN_SHARE) await new Promise((resolve) => setTimeout(resolve, 50));
      else {
        sent++;
        begun++;
        await exchange(port, createBrokenExchange(random), findings);
      }
    }
  }
  await Promise.all([...Array.from({ length: LANES }, runLane), ...Array.from({ length: BROKEN_AT_ONCE }, runBroken)]);
  clearInterval(sampler);
  const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0;
  // The first tenth is warming up.
  return { start: at(0.1), middle: at(0.5), end: at(1), most: Math.max(0, ...samples) };
}

export async function judgeEnd(gateway: Role, { violations }: Findings): Promise<void> {
  if (!gateway.isAlive()) {
    violations.push(`the gateway is gone:\n${gateway.output().slice(-3000)}`);
    return;
  }
  const ready = await fetch(`${gateway.facts['url']}/readyz`);
  if (ready.status !== 200) violations.push(`/readyz answers ${ready.status} at the end`);
  for (const line of gateway.output().split('\n')) {
    if (line.includes('"a request failed"')) violations.push(`the gateway logged a bug: ${line.slice(0, 1000)}`);
  }
}

/** The ids of the sources' events in the hub, once so many of the steady client's are there or nothing comes any more. */
async function readIds(connectionString: string, wanted: number): Promise<{ steady: Set<string>; smuggled: number }> {
  const client = new EventHubConsumerClient('reader', connectionString, HUB);
  const steady = new Set<string>();
  let smuggled = 0;
  let quiet = 0;
  const subscription = client.subscribe(
    {
      processEvents: async (events) => {
        if (events.length > 0) quiet = 0;
        for (const { body } of events) {
          for (const { source, id } of parsePack(body)) {
            if (source === 'steady') steady.add(id);
            else if (id === SMUGGLED_ID) smuggled++;
          }
        }
      },
      processError: async () => {},
    },
    { startPosition: earliestEventPosition, maxBatchSize: 500, maxWaitTimeInSeconds: 1 },
  );
  // Everything is read, since what was smuggled may be anywhere.
  while (quiet < 10 || (steady.size < wanted && quiet < 100)) {
    quiet++;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await subscription.close();
  await client.close();
  return { steady, smuggled };
}

function violationsOf({ accepted }: SteadyResult, found: { steady: ReadonlySet<string>; smuggled: number }): string[] {
  const lost = accepted.filter((id) => !found.steady.has(id));
  return [
    ...(lost.length > 0 ? [`${lost.length} events that were accepted are not in the hub, such as ${lost[0]}`] : []),
    ...(found.smuggled > 0 ? [`${found.smuggled} events were smuggled in`] : []),
  ];
}
