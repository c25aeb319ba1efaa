import { compileAction, compileFilter, type FilterableMessage, type PropertyChange } from '../filters/index.js';
import type { RuleDefinition } from '../topology/types.js';

/** One copy of a message that a subscription gets. */
interface Copy {
  /** The rule whose action made the copy its own; undefined for the one copy of all rules without an action. */
  readonly ruleName?: string;
  readonly changes: readonly PropertyChange[];
}

type Routing =
  | { readonly kind: 'copies'; readonly copies: readonly Copy[] }
  /** A rule could not be evaluated on this message. */
  | { readonly kind: 'evaluation-error'; readonly error: unknown };

export type Router = (message: FilterableMessage) => Routing;

const NO_CHANGES: readonly PropertyChange[] = [];
const NO_COPY: Routing = { kind: 'copies', copies: [] };
const PLAIN_COPY: Routing = { kind: 'copies', copies: [{ changes: NO_CHANGES }] };

/**
 * Compiles the rules of a subscription. Rules without an action are or-ed and make one copy; each rule with an action
 * that matches makes a copy of its own (Azure, topic filters and actions).
 * @throws FilterError when a filter or an action is wrong.
 */
export function compileRouter(rules: readonly RuleDefinition[]): Router {
  const plain = rules.filter(({ action }) => action === undefined).map(({ filter }) => compileFilter(filter));
  const acting = rules.flatMap(({ name, filter, action, actionParameters }) =>
    action === undefined
      ? []
      : [{ name, matches: compileFilter(filter), act: compileAction(action, actionParameters) }],
  );
  return (message) => {
    try {
      const matched = plain.some((matches) => matches(message));
      if (acting.length === 0) return matched ? PLAIN_COPY : NO_COPY;
      const copies: Copy[] = matched ? [{ changes: NO_CHANGES }] : [];
      for (const { name, matches, act } of acting) {
        if (matches(message)) copies.push({ ruleName: name, changes: act(message) });
      }
      return { kind: 'copies', copies };
    } catch (error) {
      return { kind: 'evaluation-error', error };
    }
  };
}
