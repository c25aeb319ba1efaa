// Bundles the two pieces of browser code: `node scripts/build-web.mjs [folder]`, by default into dist.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';
import ts from 'typescript';

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

/** Names of the tracker's own that neither a page, nor a browser, nor a collector knows: one letter does for them. */
const TRACKER_NAMES =
  /^(list|read|write|keyPrefix|post|exclusively|maySend|store|enqueue|wake|retry|leave|wipe|code|retryAfter|outcomes|isLive)$/;

/** What the package is outside of browsers: nothing, unless the program has a page of its own, as tests of pages do. */
const TRACKER_ON_SERVERS = "if (typeof document !== 'undefined') require('./penstock.js');\n";

/**
 * The tracker is for pages that other people wait for: bundled, and then minified by a second tool that puts functions
 * where they are called. The script names no source map, which would be one byte in a hundred; the gateway does.
 */
async function buildTracker(folder) {
  const { outputFiles } = await build({
    ...browser,
    entryPoints: ['src/tracker/browser/penstock.ts'],
    format: 'iife',
    outfile: join(folder, 'penstock.js'),
    sourcemap: 'external',
    write: false,
    mangleProps: TRACKER_NAMES,
    // Modules are strict without saying so.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  });
  const textOf = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const { code, map } = await minify(textOf('.js'), {
    ecma: 2020,
    compress: { passes: 3, hoist_funs: true, keep_fargs: false, pure_getters: true, unsafe: true, unsafe_arrows: true },
    sourceMap: { filename: 'penstock.js', content: textOf('.map'), includeSources: true },
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'penstock.js'), code);
  writeFileSync(join(folder, 'penstock.js.map'), map);
  const types = readFileSync(join(root, 'src/tracker/index.ts'), 'utf8');
  const { outputText } = ts.transpileDeclaration(types, {});
  // The same for what is a module of either kind: a compiler tells them by their names.
  for (const name of ['index.d.ts', 'index.d.cts']) writeFileSync(join(folder, name), outputText);
  writeFileSync(join(folder, 'server.cjs'), TRACKER_ON_SERVERS);
}

export async function buildWeb(folder) {
  await buildTracker(join(folder, 'tracker'));
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
