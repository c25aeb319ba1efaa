import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWithUsage, readFlags } from '../../helpers/flags.js';
import { report } from './report.js';
import { runOutage } from './run.js';

const usage = 'usage: npm run outage -- [--minutes N, 40 at the most] [--rate N]';
const { values } = readFlags(usage, {
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '5000' } },
});
const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
if (!(minutes > 0 && minutes <= 40) || !(rate >= 1)) endWithUsage(usage);
const AROUND_MS = 10_000;
const base = join('node_modules', '.cache', 'crash');
mkdirSync(base, { recursive: true });
const dataDir = mkdtempSync(join(base, 'outage-'));
const progress = (text: string) => void process.stderr.write(`${text}\n`);
const result = await runOutage({ dataDir, awayMs: minutes * 60_000, rate, aroundMs: AROUND_MS, progress });
process.stdout.write(`${report(result)}\n`);
rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
process.exit(result.violations.length === 0 ? 0 : 1);
