import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { program } from '../../scripts/program.mjs';

const FOLDER = join('node_modules', '.cache', 'penstock-test');
const bundled = new Map<string, Promise<string>>();

/**
 * Compiles a program of the tests, once for all processes of a test run, beside the dependencies that it loads.
 * @param entry from the root of the project
 * @returns the file to run
 */
export function bundleProgram(entry: string): Promise<string> {
  const found = bundled.get(entry) ?? compile(entry);
  bundled.set(entry, found);
  return found;
}

async function compile(entry: string): Promise<string> {
  const outfile = join(FOLDER, basename(entry).replace(/\.ts$/, '.mjs'));
  // Another test process may do the same, and start what is there meanwhile: it must never find half a file.
  const draft = `${outfile}.${process.pid}`;
  await mkdir(dirname(draft), { recursive: true });
  await build({ ...program, entryPoints: [entry], outfile: draft });
  await rename(draft, outfile);
  return outfile;
}
