import type { LoadOptions } from './lib/load.js';
import { wrkLoad } from './lib/wrk-load.js';

/** The load of one measurement, in a process of its own. Options come and the result goes over the IPC channel. */
process.once('message', async (options: LoadOptions) => {
  process.send?.(await wrkLoad(options), () => process.disconnect());
});
