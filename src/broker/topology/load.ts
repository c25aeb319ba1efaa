import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../shared/errors.js';
import { topologyFromArm } from './arm.js';
import { topologyFromEmulatorConfig } from './emulator.js';
import { TopologyError } from './errors.js';
import { isObject, type Json, lookUp, parseJsonWithComments } from './json.js';
import { checkTopology } from './limits.js';
import type { ParameterValues } from './template/parameters.js';
import type { Topology } from './types.js';

/** The template that ships with Penstock; as far from the sources as from the compiled code. */
export const shippedTemplate = fileURLToPath(new URL('../../../infra/arm/main.json', import.meta.url));

/** The emulator takes shorter windows of duplicate detection than the service. */
const EMULATOR_LEAST_DUPLICATE_WINDOW_MS = 5000;

/**
 * Reads the topology of an ARM template, or of a `Config.json` of the official emulators, and checks it against the
 * services' limits.
 * @param parameters values that replace the template's defaults
 * @throws TopologyError whose message begins with the file and, where there is one, the JSON path; `facts.problems`
 * lists everything that breaks a limit
 */
export function loadTopology(path: string = shippedTemplate, parameters: ParameterValues = {}): Topology {
  return naming(path, () => {
    const file = readJson(path);
    const emulator = isObject(file) && lookUp(file, 'UserConfig') !== undefined;
    const topology = emulator ? topologyFromEmulatorConfig(file) : topologyFromArm(file, parameters);
    const problems = checkTopology(topology, emulator ? EMULATOR_LEAST_DUPLICATE_WINDOW_MS : undefined);
    if (problems.length === 0) return topology;
    throw new TopologyError('PS_TOPOLOGY_INVALID', problems.join('; '), { facts: { problems } });
  });
}

/**
 * Reads the values of a deployment parameters file (`{"parameters": {"name": {"value": …}}}`).
 * @throws TopologyError PS_TOPOLOGY_UNREADABLE, PS_TOPOLOGY_PARAMETER
 */
export function loadParameters(path: string): ParameterValues {
  return naming(path, () => {
    const file = readJson(path);
    const parameters = isObject(file) ? file['parameters'] : undefined;
    if (!isObject(parameters))
      throw new TopologyError('PS_TOPOLOGY_UNREADABLE', 'not a parameters file: it has no object "parameters"');
    const values = Object.entries(parameters).map(([name, entry]) => {
      const value = isObject(entry) ? entry['value'] : undefined;
      if (value === undefined)
        throw new TopologyError('PS_TOPOLOGY_PARAMETER', `$.parameters.${name}: needs a value`, {
          facts: { path: `$.parameters.${name}` },
        });
      return [name, value] as const;
    });
    return Object.fromEntries(values);
  });
}

function readJson(path: string): Json {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TopologyError('PS_TOPOLOGY_UNREADABLE', `cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseJsonWithComments(content);
}

/** Puts the file's name before the message of what goes wrong with it. */
function naming<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    throw new TopologyError(error.code, `${file}: ${error.message}`, { cause: error, facts: { ...error.facts, file } });
  }
}
