import { FilterError } from './errors.js';
import { type Keyword, type Operator, type Token, tokenize } from './lexer.js';

/** Deepest nesting of parentheses, signs and NOTs; the recursion of parser and evaluator is bounded by it. */
const MAX_DEPTH = 64;

/** Walks over the tokens of one text, one token of look-ahead. */
export interface Cursor {
  readonly current: Token;
  advance(): Token;
  /** Takes the token when it is this keyword (operator). */
  takeKeyword(keyword: Keyword): boolean;
  takeOperator(operator: Operator): boolean;
  /** Takes an undelimited name that equals `word` (in upper case), ignoring case: `SET`, `REMOVE`. */
  takeWord(word: string): boolean;
  expectOperator(operator: Operator): void;
  /** What follows the current token is this operator. */
  followedBy(operator: Operator): boolean;
  /** @throws FilterError PS_FILTER_SYNTAX at the current token: `expected …, found …` */
  fail(expected: string): never;
  /** Runs `parse` one level deeper. @throws FilterError PS_FILTER_LIMIT */
  deeper<T>(parse: () => T): T;
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end';
    case 'string':
      return 'a string';
    case 'integer':
    case 'double':
      return 'a number';
    case 'parameter':
      return `@${token.text}`;
    default:
      return JSON.stringify(token.text);
  }
}

export function createCursor(text: string): Cursor {
  const tokens = tokenize(text);
  let index = 0;
  let depth = 0;
  const at = (offset: number) => tokens[Math.min(index + offset, tokens.length - 1)] as Token;
  const isOperator = (token: Token, operator: Operator) => token.kind === 'operator' && token.text === operator;
  const takeIf = (taken: boolean) => {
    if (taken) index += 1;
    return taken;
  };
  const cursor: Cursor = {
    get current() {
      return at(0);
    },
    advance() {
      const token = at(0);
      index += 1;
      return token;
    },
    takeKeyword(keyword) {
      const token = at(0);
      return takeIf(token.kind === 'keyword' && token.text === keyword);
    },
    takeOperator: (operator) => takeIf(isOperator(at(0), operator)),
    takeWord(word) {
      const token = at(0);
      return takeIf(token.kind === 'identifier' && !token.delimited && token.text.toUpperCase() === word);
    },
    expectOperator(operator) {
      if (!cursor.takeOperator(operator)) cursor.fail(`"${operator}"`);
    },
    followedBy: (operator) => isOperator(at(1), operator),
    fail(expected) {
      throw new FilterError('PS_FILTER_SYNTAX', `expected ${expected}, found ${describe(at(0))}`, at(0).position);
    },
    deeper(parse) {
      if (depth >= MAX_DEPTH) throw new FilterError('PS_FILTER_LIMIT', 'the text is nested too deeply', at(0).position);
      depth += 1;
      const result = parse();
      depth -= 1;
      return result;
    },
  };
  return cursor;
}
