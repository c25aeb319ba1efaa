// Writes the documentation that is made from code. Needs a build.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, root } from './setup.mjs';

await ensureBuilt();
const { describeConfig } = await import(pathToFileURL(join(root, 'dist/shared/config/index.js')).href);
writeFileSync(join(root, 'docs/config.md'), describeConfig());
