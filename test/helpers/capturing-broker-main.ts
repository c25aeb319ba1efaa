import { createBlobWriter } from '../../src/messaging/index.js';
import { testTopology } from './broker.js';
import type { CapturedHubs } from './broker-process.js';
import { runBroker } from './run-broker.js';

/**
 * A broker process whose hubs are captured: `node capturing-broker-main.mjs <dataDir> <port> <CapturedHubs as JSON>`.
 * The libraries of Azure take longer to load than all the rest: a broker that needs none has none.
 */
const { storage, capture } = JSON.parse(process.argv[4] as string) as CapturedHubs;
const hubs = testTopology.hubs.map((hub) => ({ ...hub, capture }));
await runBroker({ ...testTopology, hubs }, createBlobWriter({ connectionString: storage }));
