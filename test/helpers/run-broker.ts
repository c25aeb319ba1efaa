import { type BlobWriter, createBroker } from '../../src/broker/index.js';
import type { Topology } from '../../src/broker/topology/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';

/** Makes this process a broker: its data folder and port are its arguments, and it says over IPC when it is ready. */
export async function runBroker(topology: Topology, blobs?: BlobWriter): Promise<void> {
  const [dataDir = '', port = '0'] = process.argv.slice(2);
  const broker = createBroker(
    { dataDir, host: '127.0.0.1', port: Number(port), topology },
    { clock: systemClock, logger: createLogger('test-broker', 'warn'), blobs, onFatal: () => process.exit(1) },
  );
  process.on('SIGTERM', () => {
    void broker.stop({ deadlineMs: 2000 }).then(() => process.exit(0));
  });
  process.send?.(await broker.start());
}
