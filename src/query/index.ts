export { QueryError } from './errors.js';
export { eventRoutes } from './event/routes.js';
export { connectLiveRedis, type LiveRedis } from './live/connection.js';
export { liveRoutes } from './live/routes.js';
export { createLiveSource, type LiveFiguresSource } from './live/source.js';
export { replay } from './replay/replay.js';
export { createNewestPositions, type NewestPositions } from './system/newest-positions.js';
export { type Surroundings, type SystemPart, systemRoutes } from './system/routes.js';
export { visitorRoutes } from './visitor/routes.js';
