import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, test } from 'vitest';
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

describe('it fails', () => {
  const imports = (name: string, from: string) => `import { ${name} } from '${from}';\n`;
  let result: ReturnType<typeof checkLayers>;
  // One tree with every fault: a run takes seconds, and each fault is a line of its own.
  beforeAll(() => {
    result = checkLayers({
      'src/broker/index.ts': index('broker'),
      'src/gateway/index.ts': `${imports('broker', '../broker/index.js')}${index('gateway')}export { broker };\n`,
      'src/events/index.ts': `${imports('tracker', '../tracker/index.js')}${index('events')}export { tracker };\n`,
      'src/tracker/index.ts': index('tracker'),
      'src/query/index.ts': `${imports('main', '../cli/index.js')}${index('query')}export { main };\n`,
      'src/cli/index.ts': `${imports('inside', '../local/inside.js')}${index('main')}export { inside };\n`,
      'src/local/inside.ts': index('inside'),
      'src/shared/a.ts': "import { b } from './b.js';\nexport const a = () => b;\n",
      'src/shared/b.ts': "import { a } from './a.js';\nexport const b = () => a;\n",
    });
    expect(result.ok).toBe(false);
  });

  it.each([
    ['when the product imports the broker', 'layer-gateway', 'src/gateway/index.ts -> src/broker/index.ts'],
    ['when a lower layer imports a higher one', 'layer-events', 'src/events/index.ts -> src/tracker/index.ts'],
    ['when anything imports the command line', 'nothing-imports-the-cli', 'src/query/index.ts -> src/cli/index.ts'],
    [
      'when a folder is entered past its index',
      'folders-are-entered-by-their-index',
      'src/cli/index.ts -> src/local/inside.ts',
    ],
    ['on a cycle', 'no-cycles', 'src/shared/a.ts -> src/shared/b.ts'],
  ])('%s', (_, rule, found) => {
    expect(result.output).toContain(`error ${rule}: ${found}\n`);
  });
});

test('it fails when there was nothing to read', () => {
  expect(checkLayers({ 'src/readme.txt': '' }).ok).toBe(false);
});
