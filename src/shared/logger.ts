import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput } from './log-output.js';

export type { Logger };

/** Paths that never reach a log, wherever a careless caller puts them. */
const SECRET_PATHS = [
  'connectionString',
  '*.connectionString',
  'authorization',
  '*.authorization',
  'writeKey',
  '*.writeKey',
];

/** Structured logs, one JSON object a line: on standard output unless a destination is given. */
export function createLogger(role: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { role, pid: process.pid },
    redact: SECRET_PATHS,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return pino(options, destination ?? createLogOutput());
}
