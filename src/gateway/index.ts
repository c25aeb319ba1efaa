export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';
export { openSpoolStore } from './spool/index.js';
