import { createEventLogs, defaultEventLogsOptions } from '../../../src/broker/log/index.js';
import { createMemoryDisk, type MemoryDisk } from './memory-disk.js';

/** What a namespace needs for its hubs, on a disk in memory. */
export const hubDeps = (onError: (error: unknown) => void, disk: MemoryDisk = createMemoryDisk()) => ({
  logs: createEventLogs(disk, defaultEventLogsOptions, { onFailure: onError }),
  partitionMaxBytes: Number.POSITIVE_INFINITY,
});
