import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWithUsage, readFlags } from '../helpers/flags.js';
import { runFigures } from './figures/run.js';
import { runGatewayCrashes } from './gateway/run.js';
import { runInstanceCrashes } from './instance/run.js';
import { runCrashes } from './support/run.js';

const runs = {
  broker: { run: runCrashes, times: 200 },
  gateway: { run: runGatewayCrashes, times: 100 },
  figures: { run: runFigures, times: 60 },
  instance: { run: runInstanceCrashes, times: 40 },
};

const usage = 'usage: npm run crash -- broker | gateway | figures | instance [--times N] [--seed N]';
const { values, positionals } = readFlags(usage, {
  allowPositionals: true,
  options: { times: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
const [name = '', ...others] = positionals;
const chosen = Object.hasOwn(runs, name) ? runs[name as keyof typeof runs] : undefined;
const [times, seed] = [Number(values.times ?? chosen?.times), Number(values.seed)];
if (chosen === undefined || others.length > 0 || !(times >= 1) || !Number.isInteger(seed)) {
  endWithUsage(usage);
}
// Clients that lose their broker in the middle of something tell it in many ways, all of them expected here.
process.on('unhandledRejection', () => {});
const base = join('node_modules', '.cache', 'crash');
mkdirSync(base, { recursive: true });
const dataDir = mkdtempSync(join(base, 'data-'));
const progress = (text: string) => void process.stderr.write(`${text}\n`);
const { violations, ...result } = await chosen.run({ dataDir, times, seed, progress });
process.stdout.write(`seed ${seed}: ${JSON.stringify(result, null, 2)}\n`);
for (const violation of violations) process.stdout.write(`NOT KEPT ${violation}\n`);
const what = 'kills' in result ? `${result.kills} kills` : `${result.schedules} schedules`;
process.stdout.write(`${what}, ${violations.length} promises not kept\n`);
if (violations.length === 0) rmSync(dataDir, { recursive: true, force: true });
else process.stdout.write(`the data is in ${dataDir}\n`);
process.exit(violations.length === 0 ? 0 : 1);
