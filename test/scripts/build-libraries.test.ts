import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createTempDir } from '../helpers/parts.js';

// Outside of the project: there is no other folder with libraries above it.
const folder = createTempDir('libraries');
afterAll(() => folder.remove());

/** What each library exports, by its name: of Node's own loading, and of what was built. */
const PROGRAM = `
const { buildLibraries } = await import(${JSON.stringify(pathToFileURL(resolve('scripts/build-libraries.mjs')).href)});
const names = await buildLibraries(process.argv[1]);
const exportsOf = async (specifier) => {
  const { 'module.exports': _, ...found } = await import(specifier);
  return Object.entries(found).map(([name, value]) => name + ': ' + typeof value).sort();
};
const all = [];
for (const name of names) {
  const built = 'file://' + process.argv[1] + '/node_modules/' + name + '/index.js';
  all.push({ name, own: await exportsOf(name), built: await exportsOf(built) });
}
process.stdout.write(JSON.stringify(all));
process.exit();
`;

test('libraries in few files export what they do in many, and need no others', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, folder.path], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const libraries = JSON.parse(stdout) as { name: string; own: string[]; built: string[] }[];
  expect(libraries.map(({ name }) => name)).toContain('@azure/service-bus');
  for (const { name, own, built } of libraries) expect([name, ...built]).toEqual([name, ...own]);
});
