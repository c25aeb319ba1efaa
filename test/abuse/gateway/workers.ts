import { readFileSync } from 'node:fs';
import { readOrders, readViews } from '../../crash/gateway/inspect.js';
import { childrenOf } from '../../crash/support/children.js';
import { wait } from '../../crash/support/wait.js';
import { createTempDir } from '../../helpers/parts.js';
import { CLIENT_TIMEOUT_MS, runHonestClient } from './honest.js';
import { createFindings } from './lane.js';
import { type Role, startStack } from './processes.js';
import { attack, judgeEnd } from './run.js';

export interface WorkersOptions {
  /** How often a worker is stopped, and killed. */
  readonly rounds: number;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

export interface WorkersResult {
  readonly requests: number;
  readonly views: number;
  readonly orders: number;
  readonly unanswered: number;
  readonly longestMs: number;
  readonly violations: readonly string[];
}

const WORKERS = 2;
const CLIENTS = 6;
/** Longer than a client waits. */
const STOPPED_MS = CLIENT_TIMEOUT_MS + 1_000;
const READY_WITHIN_MS = 60_000;
const PROBE_PAUSE_MS = 300;
/** Longer than a worker waits for the others, on a machine that is busy. */
const PROBE_TIMEOUT_MS = 8_000;

/**
 * Hostile requests to a gateway of two workers, one of which is stopped and killed again and again, beside clients that do
 * everything right.
 */
export async function abuseWorkers({ rounds, seed, progress }: WorkersOptions): Promise<WorkersResult> {
  const dir = createTempDir('abuse');
  const { broker, gateway } = await startStack(dir.path, WORKERS);
  try {
    const url = gateway.facts['url'] ?? '';
    const findings = createFindings({ mayBreak: true });
    const { violations } = findings;
    let over = false;
    const goesOn = () => !over && gateway.isAlive();
    const names = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`);
    // Whoever comes first waits for the connections to the brokers.
    const first = await Promise.all(names.map((name) => runHonestClient(url, `first-${name}`, once())));
    const beside = [
      attack(gateway, findings, { seed, goesOn }),
      probe(url, '/readyz', [200, 503], { goesOn, violations }),
      probe(url, '/metrics', [200], { goesOn, violations }),
    ];
    const clients = names.map((name) => runHonestClient(url, name, () => !goesOn()));
    for (let round = 0; round < rounds && goesOn(); round++) {
      await disturb(gateway, round, violations);
      progress?.(`round ${round}: ${findings.answered} answered`);
    }
    over = true;
    const results = [...first, ...(await Promise.all(clients))];
    await Promise.all(beside);
    await becomesReady(url, violations);
    await judgeEnd(gateway, findings);
    await spoolsAreEmpty(url, violations);
    const orders = results.flatMap((result) => result.orders);
    const views = results.flatMap((result) => result.views);
    violations.push(...results.flatMap((result) => result.violations));
    violations.push(...(await judgeBrokers(broker.facts['connectionString'] ?? '', { orders, views })));
    return {
      requests: findings.answered,
      views: views.length,
      orders: orders.length,
      unanswered: results.reduce((sum, { unanswered }) => sum + unanswered, 0),
      longestMs: Math.round(Math.max(...results.map(({ longestMs }) => longestMs))),
      violations,
    };
  } finally {
    await gateway.stop();
    await broker.stop();
    dir.remove();
  }
}

const once = () => {
  let turns = 0;
  return () => turns++ > 0;
};

/** Stops one worker or the other for longer than clients wait, and kills it, one of them before it goes on. */
async function disturb(gateway: Role, round: number, violations: string[]): Promise<void> {
  const url = gateway.facts['url'] ?? '';
  await becomesReady(url, violations);
  // The clients of one that was killed are at the other one: the next round is theirs.
  const victim = workerOf(gateway, round % WORKERS);
  if (victim === undefined) {
    violations.push(`there is no worker ${round % WORKERS} though the gateway is ready`);
    return;
  }
  process.kill(victim, 'SIGSTOP');
  await wait(STOPPED_MS);
  if (round % 2 === 0) {
    process.kill(victim, 'SIGCONT');
    await wait(1_000);
  }
  process.kill(victim, 'SIGKILL');
}

function workerOf({ pid }: Role, number: number): number | undefined {
  return childrenOf(pid).find((child) => {
    const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0');
    return words[words.indexOf('--worker') + 1] === String(number);
  });
}

const becomesReady = (url: string, violations: string[]) =>
  comesTrue(async () => (await ask(url, '/readyz'))?.status === 200, 'ready after a worker was killed', violations);

const spoolsAreEmpty = (url: string, violations: string[]) =>
  comesTrue(
    async () => {
      const metrics = (await ask(url, '/metrics'))?.text ?? '';
      const waiting = [...metrics.matchAll(/^penstock_gateway_spool_records\{[^}]*\} (\d+)/gm)];
      return waiting.length > 0 && waiting.every(([, count]) => Number(count) === 0);
    },
    'with empty spools at the end',
    violations,
  );

async function comesTrue(holds: () => Promise<boolean>, what: string, violations: string[]): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > untilMs) {
      violations.push(`not ${what} within ${READY_WITHIN_MS} ms`);
      return;
    }
    await wait(PROBE_PAUSE_MS);
  }
}

/** Over a connection of its own, so that any worker may get it. Undefined: no answer in time. */
async function ask(url: string, path: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await fetch(url + path, { headers: { connection: 'close' }, signal });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

interface Prober {
  readonly goesOn: () => boolean;
  readonly violations: string[];
}

/** One that is asked of a worker while that is stopped or killed gets no answer, and one that is asked then of the other does. */
async function probe(url: string, path: string, statuses: readonly number[], { goesOn, violations }: Prober) {
  let failures = 0;
  while (goesOn()) {
    const answer = await ask(url, path);
    failures = answer === undefined ? failures + 1 : 0;
    if (failures === 2) violations.push(`${path} was not answered twice in a row`);
    if (answer !== undefined && !statuses.includes(answer.status)) violations.push(`${path} answered ${answer.status}`);
    await wait(PROBE_PAUSE_MS);
  }
}

interface Accepted {
  readonly orders: readonly string[];
  readonly views: readonly string[];
}

async function judgeBrokers(connectionString: string, { orders, views }: Accepted): Promise<string[]> {
  const seen = new Map<string, number>();
  for (const { id } of await readOrders(connectionString)) seen.set(id, (seen.get(id) ?? 0) + 1);
  const inHub = new Set((await readViews(connectionString)).flatMap(({ events }) => events.map(({ id }) => id)));
  const wrongOrders = orders.filter((id) => seen.get(id) !== 1);
  const lostViews = views.filter((id) => !inHub.has(id));
  return [
    ...wrongOrders.map((id) => `${id} is in the topic ${seen.get(id) ?? 0} times`),
    ...lostViews.map((id) => `${id} was accepted and is not in the hub`),
  ].slice(0, 20);
}
