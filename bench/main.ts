import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bench, type Figure, table } from './lib/report.js';
import { batch } from './rows/batch.js';
import { broker } from './rows/broker.js';
import { drain } from './rows/drain.js';
import { freshness } from './rows/freshness.js';
import { single } from './rows/single.js';
import { state } from './rows/state.js';

/** `npm run bench [-- name…] [--json] [--seconds N] [--long] [--profile FOLDER]` */
const benches: Readonly<Record<string, Bench>> = { single, batch, drain, freshness, state, broker };
/** Names for several at once. */
const groups: Readonly<Record<string, readonly string[]>> = {
  gateway: ['single', 'batch'],
  aggregators: ['drain', 'freshness', 'state'],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    long: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const wanted = positionals.flatMap((name) => groups[name] ?? [name]);
const unknown = wanted.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined || !(seconds >= 1)) {
  process.stderr.write(
    `usage: npm run bench [-- ${[...Object.keys(groups), ...Object.keys(benches)].join(' | ')}] [--json] [--seconds N] [--long]\n`,
  );
  process.exit(1);
}

const figures: Figure[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await bench({
    seconds,
    long: values.long,
    profileDir: values.profile,
    report: (figure) => figures.push(figure),
    note: (text) => process.stderr.write(`… ${text}\n`),
  });
}
const [cpu] = cpus();
const machine = `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, Node ${process.version}`;
process.stdout.write(
  values.json ? `${JSON.stringify({ machine, seconds, figures }, null, 2)}\n` : `${machine}\n\n${table(figures)}\n`,
);
