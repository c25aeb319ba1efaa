// `npm test`: from a fresh clone to every test run. Ends with a plain line "N passed, N failed".
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkNode,
  chromium,
  chromiumShell,
  ensureBuilt,
  ensureDependencies,
  ensurePrograms,
  ensurePythonAzure,
  pythonClients,
  redis,
  root,
} from './setup.mjs';

checkNode();
// One waits for the network most of its time, and the other for dpkg.
await Promise.all([ensureDependencies(), ensurePrograms([redis, chromium, chromiumShell, ...pythonClients])]);
// In a folder that npm would remove.
const pythonAzure = ensurePythonAzure();

const results = mkdtempSync(join(tmpdir(), 'penstock-test-'));
let passed = 0;
let failed = 0;

/** Starts a program, and collects what it says: two that say it at once could not be told apart. */
function start(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  return { child, output, ended: once(child, 'close').then(([status]) => status) };
}

function startCheck(name) {
  return { name, ...start('npm', ['run', '--silent', name]) };
}

/** Each check counts as one test. */
async function finishCheck({ name, output, ended }) {
  const status = await ended;
  process.stdout.write(`\n# ${name}\n${Buffer.concat(output)}`);
  if (status === 0) passed += 1;
  else failed += 1;
}

/** Runs the tests of these projects; what they say is told as it comes, or when all of it is there. */
async function tests(projects, { options = [], atOnce }) {
  const title = `\n# ${projects.join(' and ')} tests\n`;
  const report = join(results, `${projects.join('-')}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const names = projects.flatMap((name) => ['--project', name]);
  const { child, output, ended } = start('npx', ['vitest', 'run', ...names, ...options, ...reporters]);
  if (atOnce) {
    process.stdout.write(title);
    for (const stream of [child.stdout, child.stderr]) stream.pipe(process.stdout, { end: false });
  }
  const status = await ended;
  if (!atOnce) process.stdout.write(`${title}${Buffer.concat(output)}`);
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

// The build and the checks need nothing of each other, and each takes one core for most of its time.
const checks = ['typecheck', 'lint', 'layers', 'unused'].map(startCheck);
await ensureBuilt();
for (const check of checks) await finishCheck(check);
await pythonAzure;

// What only computes is one process, which takes what the others leave while they wait for theirs.
await Promise.all([
  tests(['e2e', 'integration'], { atOnce: true }),
  tests(['unit'], { options: ['--no-file-parallelism'], atOnce: false }),
]);

rmSync(results, { recursive: true, force: true });
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
