import { loadConfig } from '../shared/config/index.js';
import { readEndpoints } from '../shared/endpoints.js';
import { PenstockError } from '../shared/errors.js';

/** The flags by which a command finds the gateway that it sends to. */
export interface GatewayFlags {
  readonly dataDir?: string;
  readonly url?: string;
  readonly writeKey?: string;
}

/**
 * The gateway that was named, or that of the instance that runs with the data folder.
 *
 * @throws PenstockError PS_CONFIG_INVALID when only half of an address is given, PS_NOT_RUNNING when nothing runs there.
 */
export function gatewayOf(flags: GatewayFlags): { url: string; writeKey: string } {
  const { url, writeKey } = flags;
  if (url !== undefined && !URL.canParse(url))
    throw new PenstockError('PS_CONFIG_INVALID', `--url ${url} is not a URL`);
  if (url !== undefined && writeKey !== undefined) return { url, writeKey };
  if (url !== undefined) throw new PenstockError('PS_CONFIG_INVALID', '--url needs --write-key');
  const endpoints = readEndpoints(loadConfig({ flags: { dataDir: flags.dataDir } }).dataDir);
  return { url: endpoints.gateway, writeKey: writeKey ?? endpoints.writeKey };
}
