import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PenstockError } from './errors.js';

/** What a running instance writes to `<data-dir>/endpoints.json` once everything is ready. */
const endpointsSchema = z.object({
  pid: z.int(),
  gateway: z.string(),
  admin: z.string(),
  serviceBusConnectionString: z.string(),
  eventHubsConnectionString: z.string(),
  storageConnectionString: z.string(),
  redisUrl: z.string(),
  /** Certificate of the local authority; absent when no embedded broker runs. */
  caFile: z.string().optional(),
  writeKey: z.string(),
});

export type Endpoints = Readonly<z.infer<typeof endpointsSchema>>;

const FILE_NAME = 'endpoints.json';

/** Writes the file whole or not at all, readable by its owner only: it holds keys. */
export function writeEndpoints(dataDir: string, endpoints: Endpoints): string {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, FILE_NAME);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
  return path;
}

export function removeEndpoints(dataDir: string): void {
  rmSync(join(dataDir, FILE_NAME), { force: true });
}

/** @throws PenstockError PS_NOT_RUNNING when no instance has written its addresses there. */
export function readEndpoints(dataDir: string): Endpoints {
  const path = join(dataDir, FILE_NAME);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PenstockError(
      'PS_NOT_RUNNING',
      `${path} is not there: start Penstock first (npm start), or name its --data-dir`,
      { cause },
    );
  }
  const parsed = endpointsSchema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new PenstockError('PS_NOT_RUNNING', `${path} is not an endpoints file: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}
