import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeConfig } from '../../src/shared/config/index.js';

const filesBelow = (folder: string, ending: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

test('docs/config.md is what the configuration schema says (npm run docs)', () => {
  expect(readFileSync('docs/config.md', 'utf8')).toBe(describeConfig());
});

test('docs/errors.md lists every error code of the source, and no other', () => {
  const codes = (text: string) => text.match(/\bPS_[A-Z0-9_]+\b/g) ?? [];
  const inSource = new Set(filesBelow('src', '.ts').flatMap((file) => codes(readFileSync(file, 'utf8'))));
  const listed = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `PS_'))
    .map((line) => line.split('`')[1]);
  expect(new Set(listed)).toEqual(inSource);
  expect(listed).toHaveLength(new Set(listed).size);
});

test('every relative link of the documentation leads to a file', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')];
  for (const page of pages) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      const path = join(page, '..', target as string);
      expect(() => readdirOrRead(path), `${page} links to ${target}`).not.toThrow();
    }
  }
});

function readdirOrRead(path: string): void {
  try {
    readFileSync(path);
  } catch {
    readdirSync(path);
  }
}

test('CONTRIBUTING.md stays under 80 lines', () => {
  expect(readFileSync('CONTRIBUTING.md', 'utf8').split('\n').length).toBeLessThan(80);
});
