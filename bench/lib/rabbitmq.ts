import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../src/local/index.js';
import type { AmqpPlace } from './amqp-load.js';
import type { Parts } from './parts.js';

/** Where Debian's package has its programs. */
const HOME = '/usr/lib/rabbitmq';
export const INSTALL_RABBITMQ = 'for the rows of RabbitMQ: apt-get install rabbitmq-server';

export const hasRabbitMq = (): boolean => existsSync(join(HOME, 'bin', 'rabbitmq-server'));

/** The version that is installed, from the folder of its plug-ins. */
export function rabbitMqVersion(): string {
  const found = readdirSync(join(HOME, 'lib')).find((name) => name.startsWith('rabbitmq_server-'));
  return found?.slice('rabbitmq_server-'.length) ?? 'unknown';
}

/**
 * A node of its own, on loopback and free ports, with the AMQP 1.0 plug-in and one durable queue. It has its own folders
 * and its own port mapper, touches nothing of an installed service, and ends with the bench.
 */
export async function startRabbitMq(parts: Parts, queue: string): Promise<AmqpPlace & { readonly address: string }> {
  const [port, distributionPort, mapperPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const folder = parts.folder('rabbitmq');
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const definitions = file(
    'definitions.json',
    JSON.stringify({
      vhosts: [{ name: '/' }],
      users: [{ name: 'bench', password: 'bench', tags: '' }],
      permissions: [{ user: 'bench', vhost: '/', configure: '.*', write: '.*', read: '.*' }],
      queues: [{ name: queue, vhost: '/', durable: true, auto_delete: false, arguments: {} }],
    }),
  );
  const lines = [
    `listeners.tcp.local = 127.0.0.1:${port}`,
    `load_definitions = ${definitions}`,
    'log.file = false',
    'log.console = true',
    // A bench must not stop because other programs have the memory or the disk.
    'disk_free_limit.absolute = 100MB',
  ];
  const config = file('rabbitmq.conf', `${lines.join('\n')}\n`);
  const plugins = file('enabled_plugins', '[rabbitmq_amqp1_0].\n');
  mkdirSync(join(folder, 'mnesia'), { recursive: true });
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'penstock-bench@localhost',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    // The script then becomes the node instead of starting it, so that signals and CPU time are the node's.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
  await parts.program({
    name: 'epmd',
    command: 'epmd',
    args: ['-d', '-port', String(mapperPort), '-address', '127.0.0.1'],
    env,
    ready: { by: 'line', text: 'epmd running' },
    stopSignal: 'SIGTERM',
  });
  await parts.program({
    name: 'rabbitmq',
    command: join(HOME, 'bin', 'rabbitmq-server'),
    args: [],
    env,
    ready: { by: 'line', text: 'Server startup complete' },
    stopSignal: 'SIGTERM',
  });
  return { host: '127.0.0.1', port, username: 'bench', password: 'bench', address: `/amq/queue/${queue}` };
}
