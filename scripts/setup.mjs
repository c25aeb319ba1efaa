// What `npm start` and `npm test` need before any of Penstock's own code can run: plain Node, no dependency.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options }).status ?? 1;
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
export function ensureDependencies() {
  if (areDependenciesInstalled()) return;
  process.stdout.write('installing dependencies…\n');
  if (run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']) !== 0) {
    fail('npm ci failed: see above; it needs the npm registry');
  }
}

function newestMtimeMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMtimeMs(join(path, name))));
}

/** Builds dist/ when a source is newer than the last build. */
export function ensureBuilt() {
  const stamp = join(root, 'dist/.built');
  const sources = ['src', 'scripts', 'tsconfig.json', 'package-lock.json'].map((name) => join(root, name));
  if (existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources.map(newestMtimeMs))) return;
  process.stdout.write('building…\n');
  if (run(process.execPath, ['scripts/build.mjs']) !== 0) fail('the build failed: see above');
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

/** Installs Debian packages for the programs and libraries that are missing, where this is Debian and we are root. */
export function ensurePrograms(programs) {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => program.debian);
  const can = process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
  if (!can) {
    fail(
      `${missing.map(({ names, debian }) => names?.[0] ?? debian).join(' and ')} not found: install ${packages.join(' ')} ` +
        `(Debian, Ubuntu: sudo apt-get install ${packages.join(' ')}; macOS: brew install redis; or see the README)`,
    );
  }
  process.stdout.write(`installing ${packages.join(' ')}…\n`);
  // A server that a package brings must not be started: Penstock runs its own. That is what a policy of 101 says.
  const policy = '/usr/sbin/policy-rc.d';
  const added = !existsSync(policy);
  if (added) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = ['-qq', '-o=Dpkg::Use-Pty=0'];
  const stdio = ['ignore', 'ignore', 'inherit'];
  run('apt-get', ['update', ...quiet], { env, stdio });
  const status = run('apt-get', ['install', '-y', '--no-install-recommends', ...quiet, ...packages], { env, stdio });
  if (added) spawnSync('rm', ['-f', policy]);
  if (status !== 0) fail(`could not install ${packages.join(' ')}: install it by hand and run this again`);
}

/** Unpacks the two SDKs of a package that has all of Azure's, which would take half a gigabyte. */
export function ensurePythonAzure() {
  const folder = join(root, 'node_modules/.cache/python-azure');
  if (existsSync(join(folder, 'azure/eventhub'))) return;
  process.stdout.write('unpacking python3-azure…\n');
  mkdirSync(folder, { recursive: true });
  const inFolder = (command, args) => run(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const where = './usr/lib/python3/dist-packages/azure';
  const wanted = ['servicebus', 'eventhub', 'core', '__init__.py'].map((name) => `${where}/${name}`).join(' ');
  const unpack = `dpkg-deb --fsys-tarfile python3-azure_*.deb | tar -x --strip-components=5 ${wanted}`;
  const status =
    inFolder('apt-get', ['download', '-qq', '-o=APT::Sandbox::User=root', 'python3-azure']) ||
    inFolder('bash', ['-o', 'pipefail', '-c', unpack]);
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
