import { randomUUID } from 'node:crypto';
import { type CaptureService, createCapture } from './capture/index.js';
import { createEndpoint, type Endpoint } from './endpoint.js';
import { entityRules } from './entity-keys.js';
import { asBrokerError, BrokerError } from './errors.js';
import { watchFolders } from './folders.js';
import { type Namespace, openNamespace } from './namespace/index.js';
import { type BrokerDeps, type BrokerOptions, clientHost, hostNames } from './options.js';
import { createSasKeys, ensureCertificates, ensureKeys, keepRenewed } from './security/index.js';
import { createMetrics } from './status/index.js';
import { openStorage, type Storage } from './storage.js';

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

interface Running extends Endpoint {
  readonly storage: Storage;
  readonly namespace: Namespace;
  readonly capture: CaptureService;
  readonly stopWatch: () => void;
  readonly stopRenewal: () => void;
}

/** How long the last words to clients may take when the store has failed. */
const FAREWELL_MS = 250;
/** How long clients may take to go when the broker stops. */
const CLIENTS_LEAVE_MS = 2000;

const KEYS_WERE_MISSING =
  'the file of access keys was missing, and new keys were made: who has a connection string of before is refused';

const newToken = () => randomUUID().replaceAll('-', '');

/** The embedded broker: Service Bus and Event Hubs over AMQP 1.0 on one port, durable in one folder. */
export function createBroker(options: BrokerOptions, deps: BrokerDeps): Broker {
  const { clock, logger } = deps;
  const onError = (error: unknown) => logger.error({ err: error }, 'broker operation failed');
  const metrics = createMetrics();
  let running: Running | undefined;
  let stopping: Promise<void> | undefined;

  /** Memory has run ahead of the disk: clients are told, after what they wait for was refused, and nothing is sent any more. */
  function onFatal(error: unknown): void {
    setImmediate(() => running?.amqp.close('failed'));
    if (error instanceof BrokerError && error.code === 'PS_BROKER_STORE_CORRUPT')
      running?.storage.run.suspect().catch(onError);
    clock.setTimer(() => deps.onFatal?.(error), FAREWELL_MS);
  }

  async function open(): Promise<BrokerReady> {
    const onCommitted = metrics.committed;
    const storage = await openStorage(options, { clock, logger, onCommitted, onFailure: onFatal, onError });
    const { store, logs, room, folders } = storage;
    let namespace: Namespace | undefined;
    let capture: CaptureService | undefined;
    try {
      const { rules, root, file, areNew } = ensureKeys(folders.security, options.topology.authorizationRules);
      // Not refused: to remove the file is how all keys are made anew.
      if (areNew && storage.isUsed) logger.warn({ file }, KEYS_WERE_MISSING);
      const keys = createSasKeys(rules, (name) => (namespace ? entityRules(namespace, name) : []));
      const names = hostNames(options.host, options.tlsNames);
      const ensure = () => ensureCertificates(folders.security, names, clock.now());
      const certificates = await ensure();
      const { partitionMaxBytes = Number.POSITIVE_INFINITY } = options;
      namespace = await openNamespace({ store, logs, partitionMaxBytes, clock, newToken, onError }, options.topology);
      capture = createCapture({ store, clock, random: Math.random, logger, namespace, blobs: deps.blobs });
      await capture.start();
      await room.start();
      const parts = { storage, namespace, keys, certificates, metrics };
      const { amqp, port } = createEndpoint({ ...parts, clock, logger, onError }, options);
      const listening = await port.start();
      const stopRenewal = keepRenewed({ clock, ensure, onRenewed: port.renewTls, onError }, certificates);
      const stopWatch = await watchFolders(folders, { clock, onGone: onFatal, onError });
      running = { storage, namespace, capture, amqp, port, stopRenewal, stopWatch };
      const address = `Endpoint=sb://${clientHost(options.host)}:${listening.port}`;
      const secret = `SharedAccessKeyName=${root.name};SharedAccessKey=${root.key}`;
      return {
        port: listening.port,
        connectionString: `${address};${secret};UseDevelopmentEmulator=true`,
        caFile: certificates.caFile,
      };
    } catch (error) {
      await capture?.stop();
      namespace?.stop();
      await storage.close();
      throw error;
    }
  }

  async function shutDown(deadlineMs: number): Promise<void> {
    if (running === undefined) return;
    const { storage, namespace, capture, amqp, port, stopRenewal, stopWatch } = running;
    stopWatch();
    stopRenewal();
    const closed = port.stop({ deadlineMs: Math.min(deadlineMs, CLIENTS_LEAVE_MS) });
    amqp.close('stopping');
    await closed;
    await capture.stop();
    namespace.stop();
    await storage.close();
    metrics.stop();
  }

  return {
    async start() {
      try {
        return await open();
      } catch (error) {
        metrics.stop();
        throw asBrokerError(error);
      }
    },
    stop({ deadlineMs }) {
      stopping ??= shutDown(deadlineMs);
      return stopping;
    },
  };
}
