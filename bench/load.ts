import autocannon from 'autocannon';
import type { LoadOptions, LoadResult } from './lib/load.js';
import { pacedLoad } from './lib/paced-load.js';

/** The load of one measurement, in a process of its own. Options come and the result goes over the IPC channel. */
process.once('message', async ({ perSecond, ...options }: LoadOptions) => {
  const result = await (perSecond === undefined ? fullLoad(options) : pacedLoad({ ...options, perSecond }));
  process.send?.(result, () => process.disconnect());
});

/** As many requests as the server answers, one at a time on each connection. */
async function fullLoad(options: LoadOptions): Promise<LoadResult> {
  const request = (body: string) => ({ method: 'POST', path: options.path, headers: options.headers, body });
  // Every connection has a few bodies of its own: autocannon prepares each of its requests for each connection, and
  // preparing all for all would take the server's time for seconds.
  const share = (connection: number) =>
    options.bodies
      .filter((_, index) => index % options.connections === connection % options.bodies.length)
      .map(request);
  const settings = () => {
    let connection = 0;
    return {
      url: options.url,
      connections: options.connections,
      idReplacement: options.uniqueIds,
      requests: share(0),
      setupClient: (client: autocannon.Client) => client.setRequests(share(connection++)),
    };
  };
  const before =
    options.warmUpSeconds > 0 ? await autocannon({ ...settings(), duration: options.warmUpSeconds }) : undefined;
  const found = await autocannon({ ...settings(), duration: options.seconds });
  return {
    answered: found['2xx'],
    answeredInAll: found['2xx'] + (before?.['2xx'] ?? 0),
    failed: found.non2xx + found.errors + found.timeouts,
    perSecond: found['2xx'] / found.duration,
    p50Ms: found.latency.p50,
    p99Ms: found.latency.p99,
    cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  };
}
