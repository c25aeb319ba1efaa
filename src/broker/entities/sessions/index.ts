export type { SessionSearch } from './offers.js';
export { sessionRowKey, sessionRowWrite } from './rows.js';
export { createSessions, type SessionHold, type Sessions } from './sessions.js';
