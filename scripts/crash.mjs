// npm run crash -- broker|gateway|figures [--times N] [--seed N]
// npm run outage -- [--minutes N] [--rate N]
// Builds the product, bundles the run under test/crash that is asked for, and runs it.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] }).status;
if (built !== 0) process.exit(built ?? 1);
const [first, ...others] = process.argv.slice(2);
const isOutage = first === 'outage';
const outfile = join('node_modules', '.cache', 'crash', isOutage ? 'outage.mjs' : 'main.mjs');
mkdirSync(dirname(outfile), { recursive: true });
await build({
  entryPoints: [isOutage ? 'test/crash/outage/main.ts' : 'test/crash/main.ts'],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
const args = isOutage ? others : process.argv.slice(2);
process.exit(spawnSync(process.execPath, [outfile, ...args], { stdio: 'inherit' }).status ?? 1);
