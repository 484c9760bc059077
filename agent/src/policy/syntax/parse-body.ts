import type { Position } from '../policy-error.ts';
import type { Body, Modifier, Statement, Term } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseExpression, parseKeyedMembership } from './parse-expression.ts';

type Plain<S> = S extends unknown ? Omit<S, 'modifiers' | 'at'> : never;

/** Statements up to the closing bracket, which is taken. */
export function parseBodyUntil(cursor: Cursor, close: '}' | ']'): Body {
  const body: Statement[] = [];
  while (cursor.tryTake(';'));
  while (!cursor.tryTake(close)) {
    body.push(parseStatement(cursor));
    if (cursor.isAt(close)) continue;
    if (!cursor.isAt(';') && !cursor.next.isFirstOfLine)
      cursor.fail(`a new line, ; or ${close} expected, found ${cursor.describeNext()}`);
    while (cursor.tryTake(';'));
  }
  if (body.length === 0) cursor.fail('the body is empty');
  return body;
}

/** One statement with its `with` modifiers. */
export function parseStatement(cursor: Cursor): Statement {
  return cursor.nested(() => {
    const at = cursor.next;
    const plain = parsePlain(cursor, at);
    const modifiers: Modifier[] = [];
    while (cursor.tryTake('with')) {
      const target = parseExpression(cursor, { stopsAtIn: true });
      cursor.expect('as', 'after the target of with');
      modifiers.push({ target, value: parseExpression(cursor) });
    }
    return { ...plain, modifiers, at };
  });
}

function parsePlain(cursor: Cursor, at: Position): Plain<Statement> {
  if (cursor.tryTake('not')) {
    if (cursor.isAt('some')) cursor.fail('not some ... is not possible');
    const inner = cursor.nested(() => parsePlain(cursor, cursor.next));
    return { kind: 'not', body: [{ ...inner, modifiers: [], at }] };
  }
  if (cursor.tryTake('some')) return parseSome(cursor);
  if (cursor.tryTake('every')) return parseEvery(cursor);
  const left = parseExpression(cursor);
  if (cursor.tryTake(':=')) return { kind: 'assign', target: left, value: parseExpression(cursor) };
  if (cursor.tryTake('=')) return { kind: 'unify', left, right: parseExpression(cursor) };
  if (cursor.tryTake(',')) return { kind: 'expression', term: parseKeyedMembership(cursor, left) };
  return { kind: 'expression', term: left };
}

function parsePair(cursor: Cursor): { readonly key: Term | undefined; readonly value: Term } {
  const first = parseExpression(cursor, { stopsAtIn: true });
  if (!cursor.tryTake(',')) return { key: undefined, value: first };
  return { key: first, value: parseExpression(cursor, { stopsAtIn: true }) };
}

/** `some x, y` declares; `some x in xs` and `some k, v in xs` iterate. */
function parseSome(cursor: Cursor): Plain<Statement> {
  const terms = [parseExpression(cursor, { stopsAtIn: true })];
  while (cursor.tryTake(',')) terms.push(parseExpression(cursor, { stopsAtIn: true }));
  if (cursor.tryTake('in')) {
    if (terms.length > 2) cursor.fail('some takes a key and a value');
    const value = terms.pop() as Term;
    return { kind: 'some', key: terms.pop(), value, domain: parseExpression(cursor) };
  }
  const names = terms.map((term) =>
    term.kind === 'variable' ? term.name : cursor.fail('some declares variables', term.at),
  );
  return { kind: 'declare', names };
}

function parseEvery(cursor: Cursor): Plain<Statement> {
  const { key, value } = parsePair(cursor);
  for (const term of [key, value])
    if (term !== undefined && term.kind !== 'variable') cursor.fail('every takes variables', term.at);
  cursor.expect('in', 'after the variables of every');
  const domain = parseExpression(cursor);
  cursor.expect('{', 'after the domain of every');
  return { kind: 'every', key, value, domain, body: parseBodyUntil(cursor, '}') };
}
