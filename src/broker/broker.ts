import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRefusalLog } from '../shared/refusal-log.js';
import { createRoom, type Room, type Space, spaceOf } from '../shared/room.js';
import { createAdminHandler } from './admin/index.js';
import { type AmqpServer, createAmqpServer } from './amqp/index.js';
import { type CaptureService, createCapture } from './capture/index.js';
import { entityRules } from './entity-keys.js';
import { asBrokerError, BrokerError } from './errors.js';
import { ensureComplete, ensureWritable, watchFolders } from './folders.js';
import { createEventLogs, createNodeDisk, defaultEventLogsOptions, type EventLogs } from './log/index.js';
import { createHubsPort, createNamespacePort, type Namespace, openNamespace } from './namespace/index.js';
import { type BrokerDeps, type BrokerOptions, brokerFolders, clientHost, hostNames } from './options.js';
import { createPort, type Port } from './port/index.js';
import { beginRun, type RunNote } from './run-note.js';
import { createSasKeys, ensureCertificates, ensureKeys, keepRenewed } from './security/index.js';
import { createMetrics, createStatusHandler, type Reader, takeSnapshot } from './status/index.js';
import { type CommitMeter, ensureSound, ensureUnlocked, openLevelStore, type Store } from './store/index.js';

export interface BrokerReady {
  readonly port: number;
  /** Of Service Bus and Event Hubs alike; it holds a secret. */
  readonly connectionString: string;
  /** Certificate authority to trust for TLS on the port. */
  readonly caFile: string;
}

export interface Broker {
  /**
   * Opens the store and listens.
   * @throws BrokerError, ListenError, SecurityError: one line that says what to mend.
   */
  start(): Promise<BrokerReady>;
  /** Ends the connections, makes durable what is on its way, and closes the store. Idempotent. */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}

interface Running {
  readonly store: Store;
  readonly logs: EventLogs;
  readonly namespace: Namespace;
  readonly capture: CaptureService;
  readonly amqp: AmqpServer;
  readonly port: Port;
  readonly room: Room;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly run: RunNote;
  readonly stopWatch: () => void;
  readonly stopRenewal: () => void;
}

/** Most connections at once, whatever the machine could bear. */
const MAX_CONNECTIONS = 5000;
/** How long the last words to clients may take when the store has failed. */
const FAREWELL_MS = 250;
/** How long clients may take to go when the broker stops. */
const CLIENTS_LEAVE_MS = 2000;

const KEYS_WERE_MISSING =
  'the file of access keys was missing, and new keys were made: who has a connection string of before is refused';

const random = { newKey: () => randomBytes(32).toString('base64'), newTrackingId: () => randomUUID() };

const newToken = () => randomUUID().replaceAll('-', '');

/** What there is to see of a running broker. */
function snapshotOf(
  { namespace, amqp, store, logs, room }: Pick<Running, 'namespace' | 'amqp' | 'store' | 'logs' | 'room'>,
  startedAt: string,
) {
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

/** The embedded broker: Service Bus and Event Hubs over AMQP 1.0 on one port, durable in one folder. */
export function createBroker(options: BrokerOptions, deps: BrokerDeps): Broker {
  const { clock, logger } = deps;
  const onError = (error: unknown) => logger.error({ err: error }, 'broker operation failed');
  let running: Running | undefined;
  let stopping: Promise<void> | undefined;

  /** Memory has run ahead of the disk: clients are told, after what they wait for was refused, and nothing is sent any more. */
  function onFatal(error: unknown): void {
    setImmediate(() => running?.amqp.close('failed'));
    if (error instanceof BrokerError && error.code === 'PS_BROKER_STORE_CORRUPT') running?.run.suspect().catch(onError);
    clock.setTimer(() => deps.onFatal?.(error), FAREWELL_MS);
  }

  function watchRoom(folder: string): Room {
    const measure = () => spaceOf(folder);
    const onChange = (low: boolean, { freeBytes }: Space) => {
      if (low) logger.error({ freeBytes, folder }, 'the disk is nearly full: what is sent is refused');
      else logger.info({ freeBytes, folder }, 'the disk has room again: what is sent is taken');
    };
    return createRoom({ clock, measure, onChange, onError }, options.minFreeBytes);
  }

  async function open(): Promise<BrokerReady> {
    const folders = brokerFolders(options.dataDir);
    await ensureWritable(folders);
    await ensureComplete(folders);
    // The store first: it is what tells that another broker has the folder.
    await ensureUnlocked(folders.store);
    const run = await beginRun(folders.running, clock, onError);
    if (run.isSuspicious) await ensureSound(folders.store, { thorough: true });
    const metrics = createMetrics();
    const room = watchRoom(folders.root);
    const meterOf = (what: 'messages' | 'events'): CommitMeter => ({
      now: () => performance.now(),
      committed(batch) {
        room.written(batch.bytes);
        metrics.committed(what, batch);
      },
    });
    const isUsed = existsSync(join(folders.store, 'CURRENT'));
    const store = await openLevelStore(folders.store, onFatal, meterOf('messages')).catch(async (error: unknown) => {
      await run.end();
      throw error;
    });
    const logs = createEventLogs(createNodeDisk(folders.hubs), defaultEventLogsOptions, {
      onFailure: onFatal,
      meter: meterOf('events'),
    });
    let namespace: Namespace | undefined;
    let capture: CaptureService | undefined;
    try {
      const { rules, root, file, areNew } = ensureKeys(folders.security, options.topology.authorizationRules);
      // Not refused: to remove the file is how all keys are made anew.
      if (areNew && isUsed) logger.warn({ file }, KEYS_WERE_MISSING);
      const keys = createSasKeys(rules, (name) => (namespace ? entityRules(namespace, name) : []));
      const names = hostNames(options.host, options.tlsNames);
      const ensure = () => ensureCertificates(folders.security, names, clock.now());
      const certificates = await ensure();
      const { partitionMaxBytes = Number.POSITIVE_INFINITY } = options;
      namespace = await openNamespace({ store, logs, partitionMaxBytes, clock, newToken, onError }, options.topology);
      capture = createCapture({ store, clock, random: Math.random, logger, namespace, blobs: deps.blobs });
      await capture.start();
      await room.start();
      const host = clientHost(options.host);
      const admin = createNamespacePort(namespace);
      const amqp = createAmqpServer(
        { namespace, admin, namespaceName: host, keys, clock, logger, isDiskLow: room.isLow },
        { times: options.connectionTimes, memory: options.memoryBounds },
      );
      const administer = createAdminHandler(
        { namespace: admin, hubs: createHubsPort(namespace), keys, now: clock.now, random, onError },
        { namespaceName: host },
      );
      const show = createStatusHandler({
        snapshot: snapshotOf({ namespace, amqp, store, logs, room }, new Date(clock.now()).toISOString()),
        metrics,
        managers: keys,
        now: clock.now,
        onError,
      });
      const maxConnections = Math.min(MAX_CONNECTIONS, options.maxConnections ?? MAX_CONNECTIONS);
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
        },
        { host: options.host, port: options.port, tls: certificates, maxConnections },
      );
      const listening = await port.start();
      const stopRenewal = keepRenewed({ clock, ensure, onRenewed: port.renewTls, onError }, certificates);
      const stopWatch = await watchFolders(folders, { clock, onGone: onFatal, onError });
      running = { store, logs, namespace, capture, amqp, port, room, metrics, run, stopRenewal, stopWatch };
      const secret = `SharedAccessKeyName=${root.name};SharedAccessKey=${root.key}`;
      return {
        port: listening.port,
        connectionString: `Endpoint=sb://${host}:${listening.port};${secret};UseDevelopmentEmulator=true`,
        caFile: certificates.caFile,
      };
    } catch (error) {
      room.stop();
      await capture?.stop();
      namespace?.stop();
      await logs.close();
      await store.close();
      await run.end();
      throw error;
    }
  }

  async function shutDown(deadlineMs: number): Promise<void> {
    if (running === undefined) return;
    const { store, logs, namespace, capture, amqp, port, room, metrics, run, stopRenewal, stopWatch } = running;
    stopWatch();
    stopRenewal();
    room.stop();
    const closed = port.stop({ deadlineMs: Math.min(deadlineMs, CLIENTS_LEAVE_MS) });
    amqp.close('stopping');
    await closed;
    await capture.stop();
    namespace.stop();
    await logs.close();
    await store.close();
    await run.end();
    metrics.stop();
  }

  return {
    start: () => open().catch((error: unknown) => Promise.reject(asBrokerError(error))),
    stop({ deadlineMs }) {
      stopping ??= shutDown(deadlineMs);
      return stopping;
    },
  };
}
