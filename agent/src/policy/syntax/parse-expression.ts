import type { Cursor, ExpressionOptions } from './cursor.ts';
import type { Term } from './ast.ts';
import { parseOperand } from './parse-operand.ts';

/** Built-ins behind the infix operators, loosest first; operators of one line bind equally, from left to right. */
const LEVELS: readonly ReadonlyMap<string, string>[] = [
  new Map([
    ['==', 'equal'],
    ['!=', 'neq'],
    ['<', 'lt'],
    ['<=', 'lte'],
    ['>', 'gt'],
    ['>=', 'gte'],
  ]),
  new Map([['|', 'or']]),
  new Map([['&', 'and']]),
  new Map([
    ['+', 'plus'],
    ['-', 'minus'],
  ]),
  new Map([
    ['*', 'mul'],
    ['/', 'div'],
    ['%', 'rem'],
  ]),
];
/** Level of `|`, which is left out where it begins the body of a comprehension. */
const OR_LEVEL = 1;

/** An expression with infix operators, `in` included. */
export function parseExpression(cursor: Cursor, options: ExpressionOptions = {}): Term {
  let left = parseLevel(cursor, 0, options);
  while (options.stopsAtIn !== true && cursor.isAt('in')) {
    const at = cursor.take();
    left = { kind: 'call', name: 'internal.member_2', args: [left, parseLevel(cursor, 0, options)], at };
  }
  return left;
}

/** `key, value in domain`, of which the first two were read. */
export function parseKeyedMembership(cursor: Cursor, key: Term): Term {
  const value = parseLevel(cursor, 0, {});
  const at = cursor.expect('in', 'after a key and a value');
  return { kind: 'call', name: 'internal.member_3', args: [key, value, parseLevel(cursor, 0, {})], at };
}

function parseLevel(cursor: Cursor, level: number, options: ExpressionOptions): Term {
  const operators = LEVELS[level];
  if (operators === undefined) return parseOperand(cursor);
  let left = parseLevel(cursor, level + 1, options);
  if (level === OR_LEVEL && options.stopsAtBar === true) return left;
  for (;;) {
    const { kind, text } = cursor.next;
    const name = kind === 'punctuation' ? operators.get(text) : undefined;
    if (name === undefined) return left;
    const at = cursor.take();
    left = { kind: 'call', name, args: [left, parseLevel(cursor, level + 1, options)], at };
  }
}
