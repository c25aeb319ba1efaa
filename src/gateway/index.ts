export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';
export { createSaltStore } from './policy/salt-store.js';
export { openJournal } from './recall/index.js';
export { openSpoolStore } from './spool/index.js';
