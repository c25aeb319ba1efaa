/** How Redis is reached, as its URL says. */
interface RedisAddress {
  /** The nodes of a Redis Cluster that are asked for the others; undefined for a single server. */
  readonly clusterNodes: readonly { readonly host: string; readonly port: number }[] | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

const DEFAULT_PORT = 6379;
const FORM = /^(rediss?)(\+cluster)?:\/\/(?:([^@/]*)@)?([^@/?#]+)(\/\d*)?$/;

/**
 * `redis://` (`rediss://` with TLS) for one server, `redis+cluster://` (`rediss+cluster://`) for a Redis Cluster, of which
 * one node or more are named: `rediss+cluster://:password@node-1:6380,node-2:6380`. Undefined when it is none of these.
 */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  const match = FORM.exec(url);
  if (match === null) return undefined;
  const [, scheme, cluster, login, hosts, database] = match;
  const nodes = (hosts as string).split(',').map(parseNode);
  const known = nodes.filter((node) => node !== undefined);
  if (known.length < nodes.length) return undefined;
  // A cluster has one database, and a server is one node.
  if (cluster === undefined ? nodes.length > 1 : database !== undefined && !/^\/0?$/.test(database)) return undefined;
  const credentials = parseLogin(login);
  if (credentials === undefined) return undefined;
  return { clusterNodes: cluster === undefined ? undefined : known, ...credentials, tls: scheme === 'rediss' };
}

/** What a client of a cluster shows to each of its nodes, in the words of ioredis. */
export const loginOf = ({ username, password, tls }: Omit<RedisAddress, 'clusterNodes'>) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(tls ? { tls: {} } : {}),
});

/** `host`, `host:port` or `[::1]:port`. */
function parseNode(text: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port };
}

function parseLogin(login: string | undefined): Pick<RedisAddress, 'username' | 'password'> | undefined {
  if (login === undefined) return { username: undefined, password: undefined };
  try {
    const [user = '', password] = login.split(':').map(decodeURIComponent);
    return { username: user === '' ? undefined : user, password };
  } catch {
    return undefined;
  }
}
