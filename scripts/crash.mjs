// npm run crash -- broker|gateway|figures|instance [--times N] [--seed N]
// npm run outage -- [--minutes N] [--rate N]
// Runs what is asked for under test/crash against the built product.
import { runWithProduct } from './bundle.mjs';

const [first, ...others] = process.argv.slice(2);
await runWithProduct(
  first === 'outage'
    ? { entry: 'test/crash/outage/main.ts', outfile: 'crash/outage.mjs', args: others }
    : { entry: 'test/crash/main.ts', outfile: 'crash/main.mjs', args: process.argv.slice(2) },
);
