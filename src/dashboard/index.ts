export {
  type AdminServer,
  type AdminServerDeps,
  type AdminServerOptions,
  type Intake,
  startAdminServer,
} from './server.js';
