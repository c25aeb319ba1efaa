import { parseArgs } from 'node:util';
import { abuseGateway } from './gateway/run.js';

/** `npm run abuse -- gateway [--requests N] [--seed N]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [requests, seed] = [Number(values.requests), Number(values.seed)];
if (positionals.join() !== 'gateway' || !(requests >= 1) || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run abuse -- gateway [--requests N] [--seed N]\n');
  process.exit(1);
}
const progress = (text: string) => void process.stderr.write(`${text}\n`);
const { violations, ...result } = await abuseGateway({ requests, seed, progress });
process.stdout.write(`seed ${seed}: ${JSON.stringify(result, null, 2)}\n`);
for (const violation of violations) process.stdout.write(`NOT KEPT ${violation}\n`);
process.stdout.write(`${result.requests} requests, ${violations.length} promises not kept\n`);
process.exit(violations.length === 0 ? 0 : 1);
