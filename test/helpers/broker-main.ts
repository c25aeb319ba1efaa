import { createBroker } from '../../src/broker/index.js';
import { systemClock } from '../../src/shared/clock.js';
import { createLogger } from '../../src/shared/logger.js';
import { testTopology } from './broker.js';

/** A broker process for tests: `node broker-main.mjs <dataDir> <port>`; says over IPC when it is ready. */
const [dataDir = '', port = '0'] = process.argv.slice(2);
const broker = createBroker(
  { dataDir, host: '127.0.0.1', port: Number(port), topology: testTopology },
  { clock: systemClock, logger: createLogger('test-broker', 'warn') },
);
process.on('SIGTERM', () => {
  void broker.stop({ deadlineMs: 2000 }).then(() => process.exit(0));
});
process.send?.(await broker.start());
