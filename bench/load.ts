import { fullLoad } from './lib/full-load.js';
import type { LoadOptions } from './lib/load.js';
import { pacedLoad } from './lib/paced-load.js';

/** The load of one measurement, in a process of its own. Options come and the result goes over the IPC channel. */
process.once('message', async ({ perSecond, ...options }: LoadOptions) => {
  const result = await (perSecond === undefined ? fullLoad(options) : pacedLoad({ ...options, perSecond }));
  process.send?.(result, () => process.disconnect());
});
