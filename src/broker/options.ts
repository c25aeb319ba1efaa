import { join } from 'node:path';
import type { Clock } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import type { ConnectionTimes, MemoryBounds } from './amqp/index.js';
import type { BlobWriter } from './capture/index.js';
import type { Topology } from './topology/index.js';

export interface BrokerOptions {
  /** Everything that the broker keeps is under `<dataDir>/broker`. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Further names and addresses that its certificate is for. */
  readonly tlsNames?: readonly string[] | undefined;
  /** Entities that have to be there; those made at run time stay as they are. */
  readonly topology: Topology;
  /** Most bytes of events that a partition of a hub keeps; without it only time removes events. */
  readonly partitionMaxBytes?: number | undefined;
  /** Room that is left on the disk before what is sent is refused; 128 MiB, or a quarter of a small disk, without it. */
  readonly minFreeBytes?: number | undefined;
  /** Most connections at once, where that is less than the broker would take. */
  readonly maxConnections?: number | undefined;
  /** How long connections may take; each has a value of its own without it. */
  readonly connectionTimes?: Partial<ConnectionTimes> | undefined;
  /** What all connections together may keep in memory; each bound has a value of its own without it. */
  readonly memoryBounds?: Partial<MemoryBounds> | undefined;
}

export interface BrokerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The store has failed, and only a new start helps: memory has run ahead of the disk. */
  readonly onFatal?: (error: unknown) => void;
  /** Where hubs with Capture are written to; without one they are not captured. */
  readonly blobs?: BlobWriter | undefined;
}

/** Where the parts of a broker keep their things. */
export const brokerFolders = (dataDir: string) => {
  const root = join(dataDir, 'broker');
  return {
    root,
    store: join(root, 'store'),
    hubs: join(root, 'hubs'),
    security: join(root, 'security'),
    /** There while a repair is not complete. */
    repairing: join(root, 'repairing'),
    /** There while a broker runs, and after one that did not stop as it should. */
    running: join(root, 'running'),
  };
};

/** The names under which a broker on `host` is reached: what its certificate is for. */
export const hostNames = (host: string, further: readonly string[] = []): string[] => {
  const loopback = ['localhost', '127.0.0.1', '::1'];
  const everywhere = host === '0.0.0.0' || host === '::';
  return [...new Set([...(everywhere ? [] : [host]), ...further, ...loopback])];
};

/** The host in the connection string: clients on this machine say localhost. */
export const clientHost = (host: string): string =>
  ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;
