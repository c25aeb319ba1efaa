import { FilterError } from './errors.js';

/**
 * Tokens of the SQL subset of Service Bus filters and actions:
 *
 *     identifier := letter { "_" | letter | digit }  |  "[" { any | "]]" } "]"  |  '"' { any | '""' } '"'
 *     integer    := digit { digit }                       Int64
 *     double     := digits "." digits | [ digits "." ] digits "E" [ "+" | "-" ] digits
 *     string     := "'" { any | "''" } "'"
 *     parameter  := "@" letter { "_" | letter | digit }
 *     operator   := "=" "<>" "!=" ">" ">=" "<" "<=" "+" "-" "*" "/" "%" "(" ")" "," "." ";"
 *
 * Keywords ignore case. A delimited identifier is never a keyword.
 */
export type Token =
  | { readonly kind: 'identifier'; readonly text: string; readonly delimited: boolean; readonly position: number }
  | { readonly kind: 'keyword'; readonly text: Keyword; readonly position: number }
  | { readonly kind: 'integer'; readonly value: bigint; readonly position: number }
  | { readonly kind: 'double'; readonly value: number; readonly position: number }
  | { readonly kind: 'string'; readonly value: string; readonly position: number }
  | { readonly kind: 'parameter'; readonly text: string; readonly position: number }
  | { readonly kind: 'operator'; readonly text: Operator; readonly position: number }
  | { readonly kind: 'end'; readonly position: number };

const KEYWORDS = ['AND', 'OR', 'NOT', 'IN', 'LIKE', 'ESCAPE', 'IS', 'NULL', 'EXISTS', 'TRUE', 'FALSE'] as const;
export type Keyword = (typeof KEYWORDS)[number];

// Longer operators first: the first that fits is taken.
const OPERATORS = ['<>', '!=', '>=', '<=', '=', '<', '>', '+', '-', '*', '/', '%', '(', ')', ',', '.', ';'] as const;
export type Operator = (typeof OPERATORS)[number];

/** The service's limit for the text of a filter or of an action. */
const MAX_TEXT_LENGTH = 1024;

const keywordOf = new Map<string, Keyword>(KEYWORDS.map((keyword) => [keyword, keyword]));

// Sticky expressions without nested repetition: each is linear in what it reads.
const SPACE = /\s+/y;
const WORD = /\p{L}[\p{L}\p{Nd}_]*/uy;
const NUMBER = /(\d+)(\.\d+)?(?:[eE][+-]?\d+)?/y;

function matchAt(expression: RegExp, text: string, position: number): RegExpExecArray | null {
  expression.lastIndex = position;
  return expression.exec(text);
}

/** Reads `open … close`, where a doubled `close` stands for itself; answers the content and where it ends. */
function readDelimited(text: string, position: number, close: string, what: string): { value: string; end: number } {
  let value = '';
  let from = position + 1;
  for (;;) {
    const at = text.indexOf(close, from);
    if (at < 0) throw new FilterError('PS_FILTER_SYNTAX', `${what} is not closed with ${close}`, position);
    value += text.slice(from, at);
    if (text[at + 1] !== close) return { value, end: at + 1 };
    value += close;
    from = at + 2;
  }
}

type Read = readonly [token: Token, end: number];

function readNumber(text: string, position: number): Read | undefined {
  const match = matchAt(NUMBER, text, position);
  if (!match) return undefined;
  const end = position + match[0].length;
  if (matchAt(WORD, text, end)) throw new FilterError('PS_FILTER_SYNTAX', 'a number runs into a name', end);
  if (match[0] === match[1]) return [{ kind: 'integer', value: BigInt(match[0]), position }, end];
  const value = Number(match[0]);
  if (!Number.isFinite(value)) throw new FilterError('PS_FILTER_SYNTAX', 'the number is too large', position);
  return [{ kind: 'double', value, position }, end];
}

function readQuoted(text: string, position: number): Read | undefined {
  const open = text[position];
  if (open === "'") {
    const { value, end } = readDelimited(text, position, "'", 'the string');
    return [{ kind: 'string', value, position }, end];
  }
  if (open !== '[' && open !== '"') return undefined;
  const { value, end } = readDelimited(text, position, open === '[' ? ']' : '"', 'the name');
  if (value === '') throw new FilterError('PS_FILTER_SYNTAX', 'a name is empty', position);
  return [{ kind: 'identifier', text: value, delimited: true, position }, end];
}

function readWord(text: string, position: number): Read | undefined {
  const parameter = text[position] === '@';
  const match = matchAt(WORD, text, parameter ? position + 1 : position);
  if (!match) return undefined;
  const end = match.index + match[0].length;
  if (parameter) return [{ kind: 'parameter', text: match[0], position }, end];
  const keyword = keywordOf.get(match[0].toUpperCase());
  return keyword
    ? [{ kind: 'keyword', text: keyword, position }, end]
    : [{ kind: 'identifier', text: match[0], delimited: false, position }, end];
}

function readOperator(text: string, position: number): Read | undefined {
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, position));
  return operator && [{ kind: 'operator', text: operator, position }, position + operator.length];
}

/**
 * The tokens of a text, the last one of kind `end`.
 * @throws FilterError PS_FILTER_LIMIT or PS_FILTER_SYNTAX
 */
export function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new FilterError('PS_FILTER_LIMIT', `the text has ${text.length} characters, more than ${MAX_TEXT_LENGTH}`);
  }
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const space = matchAt(SPACE, text, position);
    if (space) {
      position += space[0].length;
      continue;
    }
    const read =
      readWord(text, position) ??
      readNumber(text, position) ??
      readQuoted(text, position) ??
      readOperator(text, position);
    if (!read) {
      const character = String.fromCodePoint(text.codePointAt(position) as number);
      throw new FilterError('PS_FILTER_SYNTAX', `unexpected ${JSON.stringify(character)}`, position);
    }
    tokens.push(read[0]);
    position = read[1];
  }
  tokens.push({ kind: 'end', position });
  return tokens;
}
