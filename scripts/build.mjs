// Compiles the servers with tsc, bundles their large libraries and the two pieces of browser code, and copies what is
// not code.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLibraries } from './build-libraries.mjs';
import { buildWeb } from './build-web.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

// Metrics are found in their folder: one whose source is gone must not be there any more.
const metrics = join('dist', 'aggregators', 'metrics');
for (const file of readdirSync(metrics)) {
  const [name] = file.split('.');
  if (!existsSync(join('src', 'aggregators', 'metrics', `${name}.ts`))) rmSync(join(metrics, file));
}

await Promise.all([buildWeb(join(root, 'dist')), buildLibraries(join(root, 'dist'))]);

// *.lua beside the code that runs it; pages, styles and pictures of the dashboard.
for (const file of readdirSync('src', { recursive: true })) {
  if (/\.(lua|html|css|svg|gif|ico)$/.test(file)) cpSync(join('src', file), join('dist', file));
}
chmodSync('dist/cli/main.js', 0o755);
