// `npm start`: from a fresh clone to a running gateway. Installs what is missing, builds what is stale, starts all.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, ensureBuilt, ensureDependencies, ensurePrograms, redis, root } from './setup.mjs';

checkNode();
const args = process.argv.slice(2);
const askedForHelp = args.includes('--help') || args.includes('-h');
if (!askedForHelp && !process.env.PENSTOCK_REDIS_URL) await ensurePrograms([redis]);
await ensureDependencies();
await ensureBuilt();

const main = join(root, 'dist/cli/main.js');
process.argv = [process.execPath, main, 'start', ...args];
await import(pathToFileURL(main).href);
