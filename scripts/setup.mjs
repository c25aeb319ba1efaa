// What `npm start` and `npm test` need before any of Penstock's own code can run: plain Node, no dependency.
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends with one clear line: what a person has to do that this script cannot. */
export function fail(message) {
  process.stderr.write(`penstock: ${message}\n`);
  process.exit(1);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node.js 20.19 or newer is needed; this is ${process.version}`);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program, and resolves with its exit code. A signal that is to end this process ends the program first, with all that
 * it has started: a group of its own, since npm does not hand signals on.
 */
function run(command, args, options = {}) {
  let signalled;
  const handOn = (signal) => {
    signalled = signal;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has ended just now.
    }
  };
  // Before there is a program to be left behind.
  for (const signal of SIGNALS) process.on(signal, handOn);
  // One of several may fail and end this process.
  const leave = () => handOn('SIGTERM');
  process.on('exit', leave);
  const stdio = ['ignore', 'inherit', 'inherit'];
  const child = spawn(command, args, { cwd: root, stdio, detached: true, ...options });
  return new Promise((resolve) => {
    const end = (code) => {
      for (const signal of SIGNALS) process.off(signal, handOn);
      process.off('exit', leave);
      if (signalled !== undefined) process.exit(128 + osConstants.signals[signalled]);
      resolve(code ?? 1);
    };
    child.once('error', () => end(1));
    child.once('exit', end);
  });
}

function packagesOf(lock) {
  const path = join(root, lock);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

/** By what npm writes into node_modules when an install has ended, whoever began it. */
function areDependenciesInstalled() {
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(([path, wanted]) => {
    const has = installed[path];
    // Optional packages are those of other systems, too.
    return path === '' || (has === undefined ? wanted.optional : has.integrity === wanted.integrity);
  });
}

/** Installs the locked dependencies when others, or not all of them, are there. */
export async function ensureDependencies() {
  if (areDependenciesInstalled()) return;
  process.stdout.write('installing dependencies…\n');
  if ((await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) !== 0) {
    fail('npm ci failed: see above; it needs the npm registry');
  }
}

function newestMtimeMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMtimeMs(join(path, name))));
}

/** Builds dist/ when a source is newer than the last build. */
export async function ensureBuilt() {
  const stamp = join(root, 'dist/.built');
  const sources = ['src', 'scripts', 'tsconfig.json', 'package-lock.json'].map((name) => join(root, name));
  if (existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources.map(newestMtimeMs))) return;
  process.stdout.write('building…\n');
  if ((await run(process.execPath, ['scripts/build.mjs'])) !== 0) fail('the build failed: see above');
  writeFileSync(stamp, '');
}

export function findProgram(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const isThere = ({ names, file }) => (file === undefined ? names.some((name) => findProgram(name)) : existsSync(file));

/**
 * Installs Debian packages for the programs and libraries that are missing, where this is Debian and we are root. What is
 * `dispensable` is installed where there is such a package, and does without it elsewhere.
 */
export async function ensurePrograms(programs) {
  const absent = programs.filter((program) => !isThere(program));
  const missing = absent.filter((program) => !program.dispensable);
  const can = process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
  if (absent.length === 0 || (missing.length === 0 && !can)) return;
  const packages = missing.map((program) => program.debian);
  if (!can) {
    fail(
      `${missing.map(({ names, debian }) => names?.[0] ?? debian).join(' and ')} not found: install ${packages.join(' ')} ` +
        `(Debian, Ubuntu: sudo apt-get install ${packages.join(' ')}; macOS: brew install redis; or see the README)`,
    );
  }
  await run('apt-get', ['update', ...QUIET], apt());
  for (const { debian } of absent.filter((program) => program.dispensable))
    if ((await run('apt-cache', ['show', debian], { stdio: 'ignore' })) === 0) packages.push(debian);
  if (packages.length === 0) return;
  process.stdout.write(`installing ${packages.join(' ')}…\n`);
  const status = await installPackages(packages);
  if (status !== 0 && missing.length > 0)
    fail(`could not install ${packages.join(' ')}: install it by hand and run this again`);
}

const QUIET = ['-qq', '-o=Dpkg::Use-Pty=0'];
const apt = () => ({
  env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  stdio: ['ignore', 'ignore', 'inherit'],
});

async function installPackages(packages) {
  // A server that a package brings must not be started: Penstock runs its own. That is what a policy of 101 says.
  const policy = '/usr/sbin/policy-rc.d';
  const added = !existsSync(policy);
  const removePolicy = () => rmSync(policy, { force: true });
  if (added) {
    process.once('exit', removePolicy);
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  }
  const status = await run('apt-get', ['install', '-y', '--no-install-recommends', ...QUIET, ...packages], apt());
  if (added) {
    removePolicy();
    process.off('exit', removePolicy);
  }
  return status;
}

/** Unpacks the two SDKs of a package that has all of Azure's, which would take half a gigabyte. */
export async function ensurePythonAzure() {
  const folder = join(root, 'node_modules/.cache/python-azure');
  if (existsSync(join(folder, 'azure/eventhub'))) return;
  process.stdout.write('unpacking python3-azure…\n');
  mkdirSync(folder, { recursive: true });
  const inFolder = (command, args) => run(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const where = './usr/lib/python3/dist-packages/azure';
  const wanted = ['servicebus', 'eventhub', 'core', '__init__.py'].map((name) => `${where}/${name}`).join(' ');
  const unpack = `dpkg-deb --fsys-tarfile python3-azure_*.deb | tar -x --strip-components=5 ${wanted}`;
  const status =
    (await inFolder('apt-get', ['download', '-qq', '-o=APT::Sandbox::User=root', 'python3-azure'])) ||
    (await inFolder('bash', ['-o', 'pipefail', '-c', unpack]));
  if (status !== 0) fail('could not unpack python3-azure: the SDKs of Azure in Python, from Debian');
}

const pythonPackage = (name, module) => ({
  file: `/usr/lib/python3/dist-packages/${module}`,
  debian: `python3-${name}`,
});

/** What clients of the broker in Python need, for Debian's own Python. */
export const pythonClients = [
  pythonPackage('qpid-proton', 'proton'),
  pythonPackage('uamqp', 'uamqp'),
  pythonPackage('requests', 'requests'),
  pythonPackage('typing-extensions', 'typing_extensions.py'),
  pythonPackage('msrest', 'msrest'),
];
export const redis = { names: ['redis-server', 'valkey-server'], debian: 'redis-server' };
export const chromium = { names: ['chromium', 'chromium-browser', 'google-chrome'], debian: 'chromium' };
/** Stands in for Chromium in most tests, and takes a quarter of the processor time. */
export const chromiumShell = {
  names: ['chromium-headless-shell'],
  debian: 'chromium-headless-shell',
  dispensable: true,
};
