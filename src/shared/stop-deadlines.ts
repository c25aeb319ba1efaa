/**
 * Everything stops within 10 s, whatever it was doing: a role by itself, or an instance, its roles first and the services
 * that they use behind them.
 */
export const STANDALONE_ROLE_STOP_MS = 8_000;
/** Then a role of an instance is killed. */
export const ROLES_KILL_MS = 6_000;
/** By then such a role has to have ended by itself, and said why. */
export const SUPERVISED_ROLE_STOP_MS = ROLES_KILL_MS - 1_000;
/** Behind the roles: then a service is killed. */
export const SERVICES_KILL_MS = 3_000;
