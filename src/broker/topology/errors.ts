import { PenstockError } from '../../shared/errors.js';

/**
 * PS_TOPOLOGY_UNREADABLE: the file is not there or not JSON. PS_TOPOLOGY_EXPRESSION: a template expression is malformed
 * or its arguments do not fit. PS_TOPOLOGY_FUNCTION: a template function that is not known here.
 * PS_TOPOLOGY_PARAMETER: a parameter is missing, unknown, or its value is not allowed.
 * PS_TOPOLOGY_INVALID: an entity that the service would refuse.
 */
export type TopologyErrorCode =
  | 'PS_TOPOLOGY_UNREADABLE'
  | 'PS_TOPOLOGY_EXPRESSION'
  | 'PS_TOPOLOGY_FUNCTION'
  | 'PS_TOPOLOGY_PARAMETER'
  | 'PS_TOPOLOGY_INVALID';

/** Facts: `file`, `path` (JSON path into it), `expression` and `position` (0-based), or `problems`, where they apply. */
export class TopologyError extends PenstockError<TopologyErrorCode> {
  override readonly name = 'TopologyError';
}

/** An error at a JSON path: the message starts with the path. */
export function errorAt(path: string, code: TopologyErrorCode, message: string): TopologyError {
  return new TopologyError(code, `${path}: ${message}`, { facts: { path } });
}
