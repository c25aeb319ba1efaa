// Runs the layer rules over src/ of the current folder, and refuses a green answer over a tree that was not read: with
// a compiler that has no API, dependency-cruiser finds no modules and no violations.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const result = spawnSync(
  process.execPath,
  [depcruise, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'],
  { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
);
if (!result.stdout) {
  process.stderr.write(result.stderr);
  process.exit(1);
}
const { summary, modules } = JSON.parse(result.stdout);
for (const { rule, from, to } of summary.violations) {
  process.stdout.write(`${rule.severity} ${rule.name}: ${from} -> ${to}\n`);
}
const files = readdirSync('src', { recursive: true }).filter((file) => file.endsWith('.ts'));
const read = modules.filter(({ source }) => source.startsWith('src/') && source.endsWith('.ts')).length;
process.stdout.write(`layers: ${read} modules of ${files.length} read, ${summary.error} violations\n`);
process.exit(read < files.length || files.length === 0 || summary.error > 0 ? 1 : 0);
