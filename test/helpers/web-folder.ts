import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the processes of a run put the browser code that they build. */
    readonly webFolder: string;
  }
}

/** Set-up of a whole run: those processes are ended, and could not remove what all of their files share. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-web-'));
  project.provide('webFolder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
