import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCrashes } from './support/run.js';

/** `npm run crash -- broker [--times N] [--seed N]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const [times, seed] = [Number(values.times), Number(values.seed)];
if (positionals.join() !== 'broker' || !(times >= 1) || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run crash -- broker [--times N] [--seed N]\n');
  process.exit(1);
}
// Clients that lose their broker in the middle of something tell it in many ways, all of them expected here.
process.on('unhandledRejection', () => {});
const base = join('node_modules', '.cache', 'crash');
mkdirSync(base, { recursive: true });
const dataDir = mkdtempSync(join(base, 'data-'));
const progress = (text: string) => void process.stderr.write(`${text}\n`);
const { violations, ...result } = await runCrashes({ dataDir, times, seed, progress });
process.stdout.write(`seed ${seed}: ${JSON.stringify(result, null, 2)}\n`);
for (const violation of violations) process.stdout.write(`NOT KEPT ${violation}\n`);
process.stdout.write(`${result.kills} kills, ${violations.length} promises not kept\n`);
if (violations.length === 0) rmSync(dataDir, { recursive: true, force: true });
else process.stdout.write(`the data is in ${dataDir}\n`);
process.exit(violations.length === 0 ? 0 : 1);
