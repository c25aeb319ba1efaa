import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtWeb } from '../helpers/web-build.js';

describe('the package of the tracker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-server-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A user's folder in which Penstock is installed as it is built. */
  beforeAll(() => {
    const home = join(folder, 'node_modules/penstock');
    mkdirSync(join(home, 'dist'), { recursive: true });
    cpSync('package.json', join(home, 'package.json'));
    cpSync(dirname(builtWeb().trackerScript), join(home, 'dist/tracker'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });

  function run(name: string, code: string) {
    writeFileSync(join(folder, name), code);
    const { stdout, stderr } = spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' });
    return { stdout, stderr };
  }

  it.each([
    ['page.mjs', "import 'penstock/tracker'; console.log(typeof penstock);"],
    ['page.cjs', "require('penstock/tracker'); console.log(typeof penstock);"],
  ])('does nothing where a page is rendered by a server (%s)', (name, code) => {
    expect(run(name, code)).toEqual({ stdout: 'undefined\n', stderr: '' });
  });

  it('is the script where a program has a page of its own, as tests of pages do', () => {
    const page = 'globalThis.window = globalThis; globalThis.document = { referrer: "" }; globalThis.location = {};';
    const { stdout } = run('dom.mjs', `${page}await import('penstock/tracker'); console.log(typeof penstock.track);`);
    expect(stdout).toBe('function\n');
  });

  it.each(['browser', 'neutral'] as const)('is the script itself in a bundle (%s)', async (platform) => {
    const stdin = { contents: "import 'penstock/tracker';", resolveDir: folder };
    const { outputFiles } = await build({ stdin, bundle: true, write: false, platform, format: 'esm' });
    expect(outputFiles[0]?.text).toContain('_penstock');
  });
});
