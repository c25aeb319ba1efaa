import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWithUsage, readFlags } from '../helpers/flags.js';
import { abuseBroker } from './broker/run.js';
import { abuseGateway } from './gateway/run.js';
import { abuseWorkers } from './gateway/workers.js';

const usage = [
  'usage: npm run abuse -- gateway [--requests N] [--seed N]',
  '       npm run abuse -- workers [--rounds N] [--seed N]',
  '       npm run abuse -- broker [--seconds N] [--connections N] [--seed N]',
].join('\n');
const { values, positionals } = readFlags(usage, {
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '120' },
    connections: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const [requests, seconds, connections, rounds] = [
  values.requests,
  values.seconds,
  values.connections,
  values.rounds,
].map(Number) as [number, number, number, number];
const seed = Number(values.seed);
const progress = (text: string) => void process.stderr.write(`${text}\n`);

async function ofBroker() {
  const base = join('node_modules', '.cache', 'abuse');
  mkdirSync(base, { recursive: true });
  const dataDir = mkdtempSync(join(base, 'data-'));
  const result = await abuseBroker({ dataDir, seconds, connections, seed, progress });
  rmSync(dataDir, { recursive: true, force: true });
  const attempts = Object.values(result.hostile).reduce((sum, count) => sum + count, 0);
  return { ...result, what: `${attempts} attempts` };
}

async function ofGateway() {
  const result = await abuseGateway({ requests, seed, progress });
  return { ...result, what: `${result.requests} requests` };
}

async function ofWorkers() {
  const result = await abuseWorkers({ rounds, seed, progress });
  return { ...result, what: `${result.requests} requests` };
}

const runs: Readonly<Record<string, () => Promise<{ readonly what: string; readonly violations: readonly string[] }>>> =
  {
    broker: ofBroker,
    gateway: ofGateway,
    workers: ofWorkers,
  };
const run = runs[positionals.join()];
const sound = [requests, seconds, connections, rounds].every((number) => number >= 1) && Number.isInteger(seed);
if (run === undefined || !sound) endWithUsage(usage);
const { violations, what, ...result } = await run();
process.stdout.write(`seed ${seed}: ${JSON.stringify(result, null, 2)}\n`);
for (const violation of violations) process.stdout.write(`NOT KEPT ${violation}\n`);
process.stdout.write(`${what}, ${violations.length} promises not kept\n`);
process.exit(violations.length === 0 ? 0 : 1);
