import { createBroker } from '../../src/broker/index.js';
import { createBlobWriter } from '../../src/messaging/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';
import { testTopology } from './broker.js';
import type { CapturedHubs } from './broker-process.js';

/**
 * A broker process for tests: `node broker-main.mjs <dataDir> <port> [capture]`; says over IPC when it is ready. `capture`
 * is JSON: where its hubs are captured to, and how.
 */
const [dataDir = '', port = '0', captureText] = process.argv.slice(2);
const captured = captureText === undefined ? undefined : (JSON.parse(captureText) as CapturedHubs);
const topology = captured
  ? { ...testTopology, hubs: testTopology.hubs.map((one) => ({ ...one, capture: captured.capture })) }
  : testTopology;
const blobs = captured && createBlobWriter({ connectionString: captured.storage });
const broker = createBroker(
  { dataDir, host: '127.0.0.1', port: Number(port), topology },
  { clock: systemClock, logger: createLogger('test-broker', 'warn'), blobs, onFatal: () => process.exit(1) },
);
process.on('SIGTERM', () => {
  void broker.stop({ deadlineMs: 2000 }).then(() => process.exit(0));
});
process.send?.(await broker.start());
