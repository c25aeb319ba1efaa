import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { loadConfig } from '../../shared/config/index.js';
import { readEndpoints } from '../../shared/endpoints.js';
import { PenstockError } from '../../shared/errors.js';

/** Where a broker is, and whom to trust for its certificate. */
export interface FoundBroker {
  readonly connectionString: string;
  /** PEM; undefined for a broker whose authority the machine knows. */
  readonly ca: string | undefined;
}

export interface FindFlags {
  readonly dataDir?: string;
  readonly connectionString?: string;
  readonly caFile?: string;
}

const endpointSchema = z.object({ connectionString: z.string(), caFile: z.string() });

/** What a broker that runs alone has written, or everything on one machine. */
function readFrom(dataDir: string): { connectionString: string; caFile: string | undefined } {
  try {
    const { serviceBusConnectionString, caFile } = readEndpoints(dataDir);
    return { connectionString: serviceBusConnectionString, caFile };
  } catch (error) {
    const path = join(dataDir, 'broker', 'endpoint.json');
    try {
      return endpointSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch {
      const message = `neither ${join(dataDir, 'endpoints.json')} nor ${path} is there: start the broker, or name its --data-dir or --connection-string`;
      throw new PenstockError('PS_NOT_RUNNING', message, { cause: error });
    }
  }
}

/** @throws PenstockError PS_NOT_RUNNING when nothing says where the broker is */
export function findBroker({ dataDir, connectionString, caFile }: FindFlags): FoundBroker {
  const found =
    connectionString === undefined
      ? readFrom(resolve(loadConfig({ flags: { dataDir } }).dataDir))
      : { connectionString, caFile: undefined };
  const path = caFile ?? found.caFile;
  return { connectionString: found.connectionString, ca: path === undefined ? undefined : readFileSync(path, 'utf8') };
}
