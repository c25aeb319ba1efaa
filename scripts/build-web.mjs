// Bundles the two pieces of browser code: `node scripts/build-web.mjs [folder]`, by default into dist.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const browser = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  sourcemap: true,
  target: 'es2020',
  legalComments: 'none',
  logLevel: 'warning',
};

export async function buildWeb(folder) {
  await build({
    ...browser,
    entryPoints: ['src/tracker/browser/penstock.ts'],
    format: 'iife',
    outfile: join(folder, 'tracker/penstock.js'),
  });
  // Styles that main.ts imports become main.css beside it.
  await build({
    ...browser,
    entryPoints: ['src/dashboard/web/main.ts'],
    format: 'esm',
    outfile: join(folder, 'dashboard/web/main.js'),
  });
  await build({
    ...browser,
    entryPoints: ['src/dashboard/web/theme-early.ts'],
    format: 'iife',
    outfile: join(folder, 'dashboard/web/theme.js'),
  });
  for (const file of ['index.html', 'icon.svg']) {
    mkdirSync(join(folder, 'dashboard/web'), { recursive: true });
    const source = join(root, 'src/dashboard/web', file);
    if (existsSync(source)) cpSync(source, join(folder, 'dashboard/web', file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWeb(resolve(process.argv[2] ?? join(root, 'dist')));
