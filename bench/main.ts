import { cpus } from 'node:os';
import { endWithUsage, readFlags } from '../test/helpers/flags.js';
import { type Bench, type Figure, table } from './lib/report.js';
import { batch } from './rows/batch.js';
import { broker } from './rows/broker.js';
import { dashboard } from './rows/dashboard.js';
import { drain } from './rows/drain.js';
import { freshness } from './rows/freshness.js';
import { single } from './rows/single.js';
import { state } from './rows/state.js';

const benches: Readonly<Record<string, Bench>> = { single, batch, drain, freshness, dashboard, state, broker };
/** Names for several at once. */
const groups: Readonly<Record<string, readonly string[]>> = {
  gateway: ['single', 'batch'],
  aggregators: ['drain', 'freshness', 'state'],
};

const names = [...Object.keys(groups), ...Object.keys(benches)].join(' | ');
const usage = `usage: npm run bench [-- ${names}] [--json] [--seconds N] [--long] [--workers N] [--profile FOLDER]`;
const { values, positionals } = readFlags(usage, {
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    long: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const workers = Number(values.workers);
const wanted = positionals.flatMap((name) => groups[name] ?? [name]);
const unknown = wanted.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined || !(seconds >= 1) || !(Number.isInteger(workers) && workers >= 1)) endWithUsage(usage);

const figures: Figure[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await bench({
    seconds,
    long: values.long,
    profileDir: values.profile,
    workers,
    report: (figure) => figures.push(figure),
    note: (text) => process.stderr.write(`… ${text}\n`),
  });
}
const [cpu] = cpus();
const machine = `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, Node ${process.version}, gateway workers: ${workers}`;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine, workers, seconds, figures }, null, 2)}\n`
    : `${machine}\n\n${table(figures)}\n`,
);
