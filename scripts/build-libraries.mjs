// Puts each large library into few files, below dist/node_modules, where Node looks first for what dist/ imports. The
// Azure SDKs and what they need are some 500 files: to find and load them took a role more time than all it does itself
// (measured: 0.7 to 1.2 s of CPU at the start of each, of which half is left), at each restart too. A library that is not
// there is taken from node_modules as ever.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const LIBRARIES = [
  '@azure/event-hubs',
  '@azure/eventhubs-checkpointstore-blob',
  '@azure/service-bus',
  '@azure/storage-blob',
  '@opentelemetry/api',
  'fastify',
  'ioredis',
  'prom-client',
  'rhea',
  'zod',
];

const require = createRequire(import.meta.url);

/** A module that exports what Node finds in the library: of CommonJS, a bundler would export a default alone. */
async function facadeOf(name) {
  const found = await import(name);
  const specifier = JSON.stringify(name);
  const isCommonJs = found.default !== undefined && found.default === require(name);
  if (!isCommonJs) {
    return `export * from ${specifier};${'default' in found ? `export { default } from ${specifier};` : ''}`;
  }
  // Names such as `null` may be exported, but not declared.
  const names = Object.keys(found).filter((key) => key !== 'default' && key !== 'module.exports');
  const copies = names.map(
    (key, index) => `const e${index} = all[${JSON.stringify(key)}]; export { e${index} as ${key} };`,
  );
  return `const all = require(${specifier}); export default all; ${copies.join('\n')}`;
}

const facades = {
  name: 'facades',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^facade:/ }, ({ path }) => ({ path: path.slice('facade:'.length), namespace: 'facade' }));
    onLoad({ filter: /.*/, namespace: 'facade' }, async ({ path }) => ({
      contents: await facadeOf(path),
      resolveDir: import.meta.dirname,
    }));
  },
};

/** All at once, so that what two of them need is there once. Returns their names. */
export async function buildLibraries(folder) {
  const outdir = join(folder, 'node_modules');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: Object.fromEntries(LIBRARIES.map((name) => [`${name}/index`, `facade:${name}`])),
    plugins: [facades],
    bundle: true,
    splitting: true,
    outdir,
    chunkNames: '.shared/[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // What CommonJS modules expect to find.
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    banner: {
      js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
    },
    logLevel: 'warning',
  });
  for (const name of LIBRARIES) {
    mkdirSync(join(outdir, name), { recursive: true });
    writeFileSync(join(outdir, name, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }));
  }
  return LIBRARIES;
}
