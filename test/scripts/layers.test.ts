import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createTempDir } from '../helpers/parts.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Runs the layer check over a small tree. */
function checkLayers(files: Record<string, string>): { ok: boolean; output: string } {
  const dir = createTempDir('layers');
  cleanups.push(dir.remove);
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  writeFileSync(join(dir.path, 'tsconfig.json'), '{}');
  const result = spawnSync(process.execPath, [resolve('scripts/layers.mjs')], { cwd: dir.path, encoding: 'utf8' });
  return { ok: result.status === 0, output: result.stdout + result.stderr };
}

const index = (name: string) => `export const ${name} = 1;\n`;

test('an import down the layers passes', () => {
  const result = checkLayers({
    'src/events/index.ts': index('events'),
    'src/gateway/index.ts': "import { events } from '../events/index.js';\nexport const gateway = events;\n",
  });
  expect(result.output).toContain('2 modules of 2 read, 0 violations');
  expect(result.ok).toBe(true);
});

test.each([
  ['the product imports the broker', 'gateway', '../broker/index.js', 'broker', 'layer-gateway'],
  ['a lower layer imports a higher one', 'events', '../gateway/index.js', 'gateway', 'layer-events'],
  ['anything imports the command line', 'query', '../cli/index.js', 'cli', 'nothing-imports-the-cli'],
  ['a folder is entered past its index', 'cli', '../events/inside.js', 'events', 'folders-are-entered-by-their-index'],
])('it fails when %s', (_, from, specifier, to, rule) => {
  const target = specifier.replace('../', 'src/').replace('.js', '.ts');
  const result = checkLayers({
    [target]: index(to),
    [`src/${from}/index.ts`]: `import { ${to} } from '${specifier}';\nexport const ${from} = ${to};\n`,
  });
  expect(result.output).toContain(rule);
  expect(result.ok).toBe(false);
});

test('it fails on a cycle', () => {
  const result = checkLayers({
    'src/events/a.ts': "import { b } from './b.js';\nexport const a = () => b;\n",
    'src/events/b.ts': "import { a } from './a.js';\nexport const b = () => a;\n",
  });
  expect(result.output).toContain('no-cycles');
  expect(result.ok).toBe(false);
});

test('it fails when there was nothing to read', () => {
  expect(checkLayers({ 'src/readme.txt': '' }).ok).toBe(false);
});
