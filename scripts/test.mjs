// `npm test`: from a fresh clone to every test run. Ends with a plain line "N passed, N failed".
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkNode,
  chromium,
  ensureBuilt,
  ensureDependencies,
  ensurePrograms,
  ensurePythonAzure,
  pythonClients,
  redis,
  root,
} from './setup.mjs';

checkNode();
await ensurePrograms([redis, chromium, ...pythonClients]);
await ensureDependencies();
await ensurePythonAzure();
await ensureBuilt();

const results = mkdtempSync(join(tmpdir(), 'penstock-test-'));
let passed = 0;
let failed = 0;

/** Runs checks side by side; each counts as one test, and prints what it says when its turn comes. */
async function checks(names) {
  const runs = names.map((name) => {
    const run = spawn('npm', ['run', '--silent', name], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    for (const stream of [run.stdout, run.stderr]) stream.on('data', (chunk) => output.push(chunk));
    return { name, output, ended: once(run, 'close') };
  });
  for (const { name, output, ended } of runs) {
    const [status] = await ended;
    process.stdout.write(`\n# ${name}\n${Buffer.concat(output)}`);
    if (status === 0) passed += 1;
    else failed += 1;
  }
}

function tests(project) {
  process.stdout.write(`\n# ${project} tests\n`);
  const report = join(results, `${project}.json`);
  const args = [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const { status } = spawnSync('npx', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    passed += numPassedTests;
    failed += numFailedTests;
    // A file that could not be loaded has no tests to count, and a run without tests proves nothing.
    if (status !== 0 && numFailedTests === 0) failed += Math.max(1, numFailedTestSuites);
    if (numPassedTests + numFailedTests === 0) failed += 1;
  } catch {
    failed += 1;
  }
}

await checks(['typecheck', 'lint', 'layers', 'unused']);
for (const project of ['unit', 'integration', 'e2e']) tests(project);

rmSync(results, { recursive: true, force: true });
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
