import type { RuleFilter } from '../topology/types.js';
import { compileCorrelation } from './correlation.js';
import { compilePredicate, createEnvironment } from './evaluate.js';
import type { FilterableMessage } from './message.js';
import { parseFilter } from './parser.js';

/**
 * Compiles the filter of a rule to a function that says whether a message matches. Unknown (a missing property, values
 * that do not compare) is not a match. The function throws FilterError PS_FILTER_EVALUATION where the message cannot be evaluated.
 * @throws FilterError when the text of a SQL filter is wrong
 */
export function compileFilter(filter: RuleFilter): (message: FilterableMessage) => boolean {
  switch (filter.kind) {
    case 'true':
      return () => true;
    case 'false':
      return () => false;
    case 'correlation':
      return compileCorrelation(filter.correlation);
    case 'sql': {
      const decide = compilePredicate(parseFilter(filter.expression), createEnvironment(filter.parameters));
      return (message) => decide(message) === true;
    }
  }
}
