// npm run abuse -- gateway [--requests N] [--seed N]
// npm run abuse -- broker [--seconds N] [--connections N] [--seed N]
// Builds the product, bundles test/abuse/main.ts, and sends hostile requests, or lets hostile clients at the broker.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] }).status;
if (built !== 0) process.exit(built ?? 1);
const outdir = join('node_modules', '.cache', 'abuse');
mkdirSync(outdir, { recursive: true });
await build({
  entryPoints: ['test/abuse/main.ts'],
  outfile: join(outdir, 'main.mjs'),
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
const args = [join(outdir, 'main.mjs'), ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
