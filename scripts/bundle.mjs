import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { program } from './program.mjs';
import { root } from './setup.mjs';

/** Builds the product, bundles a program of the tests beside its dependencies, runs it with `args`, and ends as it ends. */
export async function runWithProduct({ entry, outfile, args }) {
  process.chdir(root);
  const built = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] }).status;
  if (built !== 0) process.exit(built ?? 1);
  const file = join('node_modules', '.cache', outfile);
  mkdirSync(dirname(file), { recursive: true });
  await build({ ...program, entryPoints: [entry], outfile: file });
  process.exit(spawnSync(process.execPath, [file, ...args], { stdio: 'inherit' }).status ?? 1);
}
