export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';
export type { PeerAnswers, Peers } from './peers.js';
export { dayOf, isOfQuota } from './policy/quota.js';
export { createSaltStore } from './policy/salt-store.js';
export type { Counted } from './policy/shared-counts.js';
export { openJournal } from './recall/index.js';
export { type MendedSpool, openSpoolStore } from './spool/index.js';
