// npm run abuse -- gateway [--requests N] [--seed N]
// npm run abuse -- broker [--seconds N] [--connections N] [--seed N]
// Sends hostile requests at the built gateway, or lets hostile clients at the built broker.
import { runWithProduct } from './bundle.mjs';

await runWithProduct({ entry: 'test/abuse/main.ts', outfile: 'abuse/main.mjs', args: process.argv.slice(2) });
