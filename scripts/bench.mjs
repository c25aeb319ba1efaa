// npm run bench [-- name…] [--json] [--seconds N] [--workers N] [--profile FOLDER] [--no-build]
// Builds the product, bundles bench/*.ts beside its dependencies, and runs it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { program } from './program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const args = process.argv.slice(2).filter((arg) => arg !== '--no-build');
const run = (...command) => spawnSync(process.execPath, command, { stdio: ['inherit', 'inherit', 'inherit'] }).status;

if (args.length === process.argv.length - 2) {
  const status = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] }).status;
  if (status !== 0) process.exit(status ?? 1);
}
const outdir = join('node_modules', '.cache', 'bench');
rmSync(join(outdir, 'js'), { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });
await build({
  ...program,
  entryPoints: readdirSync('bench')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join('bench', file)),
  outdir: join(outdir, 'js'),
  outExtension: { '.js': '.mjs' },
  sourcemap: 'inline',
});
process.exit(run('--enable-source-maps', join(outdir, 'js', 'main.mjs'), ...args) ?? 1);
