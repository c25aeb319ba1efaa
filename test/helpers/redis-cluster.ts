import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findFreePort } from '../../src/local/index.js';
import { createTempDir, runPart } from './parts.js';
import { waitFor } from './wait.js';

const NODES = 3;
const PASSWORD = 'test-password-of-cluster';

export interface TestRedisCluster {
  readonly url: string;
  /** The nodes, each a redis-server of its own. */
  readonly nodes: readonly { readonly port: number; kill(): Promise<void>; restart(): Promise<void> }[];
  stop(): Promise<void>;
}

/** A real Redis Cluster: three redis-server processes on loopback, each with a third of the slots. */
export async function startTestRedisCluster(): Promise<TestRedisCluster> {
  const dir = createTempDir('redis-cluster');
  const nodes = await Promise.all(
    Array.from({ length: NODES }, async () => {
      // The bus port of a node is 10,000 above its own by default; here it is any free one.
      const [port, busPort] = [await findFreePort(), await findFreePort()];
      const options = {
        bind: '127.0.0.1',
        port,
        requirepass: PASSWORD,
        masterauth: PASSWORD,
        dir: dir.path,
        appendonly: 'no',
        save: '',
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-config-file': `nodes-${port}.conf`,
        'cluster-node-timeout': 15_000,
      };
      const start = () =>
        runPart({
          name: `redis-${port}`,
          command: 'redis-server',
          args: Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
          env: {},
          ready: { by: 'line', text: 'Ready to accept connections' },
          stopSignal: 'SIGTERM',
        });
      let part = await start();
      return {
        port,
        address: `127.0.0.1:${port}`,
        kill: () => part.signal('SIGKILL'),
        async restart() {
          part = await start();
        },
        stop: () => part.signal('SIGTERM'),
      };
    }),
  );
  const addresses = nodes.map(({ address }) => address);
  const cli = (...args: string[]) => promisify(execFile)('redis-cli', ['-a', PASSWORD, '--no-auth-warning', ...args]);
  await cli('--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes');
  await waitFor('every node to know the cluster', async () => {
    const states = await Promise.all(nodes.map(({ port }) => cli('-p', String(port), 'cluster', 'info')));
    return states.every(({ stdout }) => stdout.includes('cluster_state:ok'));
  });
  return {
    url: `redis+cluster://:${PASSWORD}@${addresses.join(',')}`,
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      dir.remove();
    },
  };
}
