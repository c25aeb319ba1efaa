import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { inject } from 'vitest';

interface WebBuild {
  readonly trackerScript: string;
  readonly dashboardFolder: string;
}

let built: WebBuild | undefined;

/** The browser code as the product's build bundles it, once for all files that share this process. */
export function builtWeb(): WebBuild {
  built ??= build();
  return built;
}

function build(): WebBuild {
  const folder = join(inject('webFolder'), String(process.pid));
  execFileSync(process.execPath, ['scripts/build-web.mjs', folder], { stdio: 'pipe' });
  return { trackerScript: join(folder, 'tracker/penstock.js'), dashboardFolder: join(folder, 'dashboard/web') };
}
