import { readFileSync } from 'node:fs';
import { withoutByteOrderMark } from '../byte-order-mark.js';
import { messageOf } from '../errors.js';
import { isLoopbackAddress } from '../loopback.js';
import { checkConnectionStrings } from './connection-strings.js';
import { type EnvironmentVariable, environmentVariables, intendedVariable } from './environment.js';
import { ConfigError } from './errors.js';
import { type Config, configSchema, defaultRoutes } from './schema.js';
import { writeKeysOf } from './sources.js';

type Tree = { [key: string]: unknown };

export interface ConfigInput {
  /** What a test gives in place of `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values from the command line, by path ("gateway.port"). They win over the environment, which wins over the file. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/**
 * Reads the configuration once: the file named by `PENSTOCK_CONFIG` (JSON), then `PENSTOCK_…` variables, then flags.
 * @throws ConfigError PS_CONFIG_INVALID naming the value and where it came from.
 */
export function loadConfig(input: ConfigInput = {}): Config {
  const env = input.env ?? process.env;
  checkNames(env);
  const origin = new Map<string, string>();
  const file = env['PENSTOCK_CONFIG'];
  const tree = readFile(file);
  for (const variable of environmentVariables) {
    const text = env[variable.name];
    if (text === undefined || text === '') continue;
    assign(tree, variable.path, parseVariable(variable, text));
    origin.set(variable.path.join('.'), variable.name);
  }
  for (const [path, value] of Object.entries(input.flags ?? {})) {
    if (value === undefined) continue;
    assign(tree, path.split('.'), value);
    origin.set(path, 'the command line');
  }
  const parsed = configSchema.safeParse(tree);
  if (parsed.success) {
    const config = withDefaultRoutes(parsed.data, tree);
    checkContradictions(config);
    checkConnectionStrings(config);
    return config;
  }
  const issue = parsed.error.issues[0];
  const path = issue?.path.join('.') ?? '';
  const wrong = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]].join('.') : path;
  const from =
    [...origin].find(([key]) => wrong === key || wrong.startsWith(`${key}.`))?.[1] ??
    (file && `PENSTOCK_CONFIG ${file}`);
  throw new ConfigError(
    'PS_CONFIG_INVALID',
    `${path || 'configuration'}: ${issue?.message}${from ? ` (from ${from})` : ''}`,
    {
      facts: { path },
    },
  );
}

/** Routes that nobody gave lead to the topic and the hub that are configured, whatever their names. */
function withDefaultRoutes(config: Config, given: Tree): Config {
  if ((given['gateway'] as Tree | undefined)?.['routes'] !== undefined) return config;
  const routes = defaultRoutes(config.serviceBus.topic, config.eventHubs.hub);
  return { ...config, gateway: { ...config.gateway, routes } };
}

/** Others may have variables that begin like ours, so only what is close to one of ours is taken for a mistake. */
function checkNames(env: NonNullable<ConfigInput['env']>): void {
  for (const [name, value] of Object.entries(env)) {
    const intended = intendedVariable(name, value);
    if (intended !== undefined)
      throw new ConfigError('PS_CONFIG_INVALID', `${name}: there is no such variable; did you mean ${intended}?`);
  }
}

function checkContradictions(config: Config): void {
  for (const [path, service] of [
    ['serviceBus', config.serviceBus],
    ['eventHubs', config.eventHubs],
  ] as const) {
    if (service.connectionString !== undefined && service.namespace !== undefined) {
      throw new ConfigError('PS_CONFIG_INVALID', `${path}.connectionString and ${path}.namespace: give one of the two`);
    }
  }
  if (config.storage.connectionString !== undefined && config.storage.account !== undefined) {
    throw new ConfigError('PS_CONFIG_INVALID', 'storage.connectionString and storage.account: give one of the two');
  }
  if (config.admin.host !== 'localhost' && !isLoopbackAddress(config.admin.host) && config.admin.token === undefined) {
    throw new ConfigError(
      'PS_CONFIG_INVALID',
      `admin.token: required while admin.host is ${config.admin.host}, which is not loopback`,
    );
  }
  const { sources } = config.gateway;
  for (const [key, values] of [
    ['name', sources.map((source) => source.name)],
    ['writeKey', sources.flatMap(writeKeysOf)],
  ] as const) {
    if (new Set(values).size < values.length) {
      throw new ConfigError('PS_CONFIG_INVALID', `gateway.sources: two sources have the same ${key}`);
    }
  }
}

function readFile(path: string | undefined): Tree {
  if (path === undefined || path === '') return {};
  try {
    const value: unknown = JSON.parse(withoutByteOrderMark(readFileSync(path, 'utf8')));
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('must be a JSON object');
    return value as Tree;
  } catch (cause) {
    throw new ConfigError('PS_CONFIG_INVALID', `PENSTOCK_CONFIG ${path}: ${messageOf(cause)}`, { cause });
  }
}

function parseVariable(variable: EnvironmentVariable, text: string): unknown {
  switch (variable.type) {
    case 'string':
      return text;
    case 'integer': {
      const value = Number(text);
      if (!Number.isSafeInteger(value))
        throw new ConfigError('PS_CONFIG_INVALID', `${variable.name}: must be a whole number`);
      return value;
    }
    case 'json':
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new ConfigError('PS_CONFIG_INVALID', `${variable.name}: not JSON: ${messageOf(cause)}`, { cause });
      }
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const key of path.slice(0, -1)) {
    const next = node[key];
    node[key] = next !== null && typeof next === 'object' && !Array.isArray(next) ? { ...next } : {};
    node = node[key] as Tree;
  }
  node[path.at(-1) as string] = value;
}
