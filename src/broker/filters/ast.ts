import type { FilterValue } from '../topology/types.js';

export type CompareOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';

/** `[sys.|user.]name`; the scope is the user's where none is written. */
export interface PropertyName {
  readonly scope: 'sys' | 'user';
  readonly name: string;
  readonly position: number;
}

/** What has a value. */
export type Expression =
  | { readonly kind: 'constant'; readonly value: FilterValue }
  | { readonly kind: 'parameter'; readonly name: string; readonly position: number }
  | ({ readonly kind: 'property' } & PropertyName)
  /** `property(e)` and `p(e)`: an application property whose name is computed. */
  | { readonly kind: 'computed-property'; readonly name: Expression }
  | { readonly kind: 'newid' }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    };

/** What is true, false or unknown. */
export type Predicate =
  | { readonly kind: 'and' | 'or'; readonly left: Predicate; readonly right: Predicate }
  | { readonly kind: 'not'; readonly operand: Predicate }
  | {
      readonly kind: 'compare';
      readonly operator: CompareOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'in'; readonly left: Expression; readonly members: readonly Expression[] }
  | {
      readonly kind: 'like';
      readonly left: Expression;
      readonly pattern: Expression;
      readonly escape?: Expression | undefined;
    }
  | { readonly kind: 'is-null'; readonly property: PropertyName }
  | { readonly kind: 'exists'; readonly property: PropertyName };

export type Statement =
  | { readonly kind: 'set'; readonly property: PropertyName; readonly value: Expression }
  | { readonly kind: 'remove'; readonly property: PropertyName };
