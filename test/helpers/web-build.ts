import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface WebBuild {
  readonly trackerScript: string;
  readonly dashboardFolder: string;
  remove(): void;
}

/** Bundles the browser code as the product's build does, into a folder of its own. */
export function buildWeb(): WebBuild {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-web-'));
  execFileSync(process.execPath, ['scripts/build-web.mjs', folder], { stdio: 'pipe' });
  return {
    trackerScript: join(folder, 'tracker/penstock.js'),
    dashboardFolder: join(folder, 'dashboard/web'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
