import { testTopology } from './broker.js';
import { runBroker } from './run-broker.js';

/** A broker process for tests: `node broker-main.mjs <dataDir> <port>`. */
await runBroker(testTopology);
