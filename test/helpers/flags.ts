import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf } from '../../src/shared/errors.js';

/** Tells how a script is called, and ends it. */
export function endWithUsage(usage: string, why?: string): never {
  process.stderr.write(why === undefined ? `${usage}\n` : `${why}\n${usage}\n`);
  process.exit(1);
}

/** The flags of a script that is run by hand; `--help` and flags that it does not know end it with how it is called. */
export function readFlags<Config extends ParseArgsConfig>(usage: string, config: Config) {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return endWithUsage(usage, messageOf(error));
  }
}
