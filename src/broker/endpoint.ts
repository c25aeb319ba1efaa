import { randomBytes, randomUUID } from 'node:crypto';
import { createCutLog, createRefusalLog } from '../shared/refusal-log.js';
import { createAdminHandler } from './admin/index.js';
import { type AmqpServer, createAmqpServer } from './amqp/index.js';
import { createHubsPort, createNamespacePort, type Namespace } from './namespace/index.js';
import { type BrokerDeps, type BrokerOptions, clientHost } from './options.js';
import { createPort, type Port } from './port/index.js';
import type { SasKeys, ServerCertificates } from './security/index.js';
import { type BrokerMetrics, createStatusHandler, type Reader, takeSnapshot } from './status/index.js';
import type { Storage } from './storage.js';

/** What clients reach of a broker. */
export interface Endpoint {
  readonly amqp: Pick<AmqpServer, 'close'>;
  readonly port: Port;
}

export interface EndpointDeps extends Pick<BrokerDeps, 'clock' | 'logger'> {
  readonly storage: Storage;
  readonly namespace: Namespace;
  readonly keys: SasKeys;
  readonly certificates: ServerCertificates;
  readonly metrics: BrokerMetrics;
  readonly onError: (error: unknown) => void;
}

/** Most connections at once, whatever the machine could bear. */
const MAX_CONNECTIONS = 5000;

const random = { newKey: () => randomBytes(32).toString('base64'), newTrackingId: () => randomUUID() };

/** AMQP, the administration APIs, the status page and the metrics, on one port that does not listen yet. */
export function createEndpoint(deps: EndpointDeps, options: BrokerOptions): Endpoint {
  const { storage, namespace, keys, clock, logger, metrics, onError } = deps;
  const namespaceName = clientHost(options.host);
  const admin = createNamespacePort(namespace);
  const amqp = createAmqpServer(
    { namespace, admin, namespaceName, keys, clock, logger, isDiskLow: storage.room.isLow },
    { times: options.connectionTimes, memory: options.memoryBounds },
  );
  const administer = createAdminHandler(
    { namespace: admin, hubs: createHubsPort(namespace), keys, now: clock.now, random, onError },
    { namespaceName },
  );
  const snapshot = snapshotOf(deps, amqp);
  const show = createStatusHandler({ snapshot, metrics, managers: keys, now: clock.now, onError });
  const maxConnections = Math.min(MAX_CONNECTIONS, options.maxConnections ?? MAX_CONNECTIONS);
  const tellOfCut = createCutLog(clock, logger);
  const tellOfRefusal = createRefusalLog(clock, logger, maxConnections);
  const port = createPort(
    {
      clock,
      onAmqp: (socket) => amqp.accept(socket),
      onHttp: (request, response) => {
        if (!show(request, response)) administer(request, response);
      },
      onRefused() {
        metrics.connectionRefused();
        tellOfRefusal();
      },
      onCut() {
        metrics.connectionCut();
        tellOfCut();
      },
    },
    { host: options.host, port: options.port, tls: deps.certificates, maxConnections },
  );
  return { amqp, port };
}

/** What there is to see of a broker that started now. */
function snapshotOf({ namespace, storage, clock }: EndpointDeps, amqp: AmqpServer) {
  const { store, logs, room } = storage;
  const startedAt = new Date(clock.now()).toISOString();
  const readerOf = (reader: ReturnType<AmqpServer['facts']>['readers'][number]): Reader => {
    const [hub = '', consumerGroup = '', partitionId = ''] = reader.place.split('|');
    return { hub, consumerGroup, partitionId, ownerLevel: reader.epoch, nextSequence: reader.nextSequence };
  };
  return () =>
    takeSnapshot({
      namespace,
      readers: () => amqp.facts().readers.map(readerOf),
      process: () => {
        const { connections, links } = amqp.facts();
        const pendingBytes = store.pendingBytes() + logs.pendingBytes();
        const memoryBytes = process.memoryUsage.rss();
        return { connections, links, pendingBytes, memoryBytes, isDiskLow: room.isLow(), startedAt };
      },
    });
}
