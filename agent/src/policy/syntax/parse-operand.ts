import type { Position } from '../policy-error.ts';
import { EMPTY_OBJECT, objectOf } from '../value/rego-object.ts';
import { EMPTY_SET, setOf } from '../value/rego-set.ts';
import type { Value } from '../value/value.ts';
import { parseNumber } from '../value/number.ts';
import type { Body, Comprehension, Term } from './ast.ts';
import type { Cursor } from './cursor.ts';

function constant(value: Value, at: Position): Term {
  return { kind: 'constant', value, at };
}

/** The values of terms that are all constant: data in a policy becomes values while it is read. */
function constantsOf(terms: readonly Term[]): readonly Value[] | undefined {
  const values: Value[] = [];
  for (const term of terms) {
    if (term.kind !== 'constant') return undefined;
    values.push(term.value);
  }
  return values;
}

function objectTerm(cursor: Cursor, at: Position, entries: readonly (readonly [Term, Term])[]): Term {
  const keys = constantsOf(entries.map(([key]) => key));
  const values = constantsOf(entries.map(([, value]) => value));
  if (keys === undefined || values === undefined) return { kind: 'object', entries, at };
  const object = objectOf(keys.map((key, index) => [key, values[index] as Value] as const));
  if (object.size < keys.length) cursor.fail('the object has a key twice', at);
  return constant(object, at);
}

/** Something without infix operators around it. */
export function parseOperand(cursor: Cursor): Term {
  return cursor.nested(() => parsePath(cursor, parsePrimary(cursor)));
}

function parsePrimary(cursor: Cursor): Term {
  const at = cursor.next;
  switch (at.kind) {
    case 'string':
      return constant(cursor.take().text, at);
    case 'number':
      return parseNumberTerm(cursor, '');
    case 'name':
      return parseName(cursor);
    case 'keyword':
      return parseKeyword(cursor);
    case 'punctuation':
      break;
    case 'end':
      return cursor.fail('the policy ends where a term is expected');
  }
  if (cursor.tryTake('(')) {
    const inner = cursor.grammar.expression(cursor);
    cursor.expect(')', 'after an expression in parentheses');
    return inner;
  }
  if (cursor.tryTake('[')) return parseArray(cursor, at);
  if (cursor.tryTake('{')) return parseBraces(cursor, at);
  if (cursor.isAt('-') && cursor.peek(1).kind === 'number') {
    cursor.take();
    return parseNumberTerm(cursor, '-');
  }
  return cursor.fail(`a term expected, found ${cursor.describeNext()}`);
}

function parseNumberTerm(cursor: Cursor, sign: string): Term {
  const at = cursor.take();
  return constant(parseNumber(sign + at.text) ?? cursor.fail('the number is too large', at), at);
}

function parseKeyword(cursor: Cursor): Term {
  const at = cursor.next;
  switch (at.text) {
    case 'true':
    case 'false':
      return constant(cursor.take().text === 'true', at);
    case 'null':
      cursor.take();
      return constant(null, at);
    case 'contains':
      // The built-in; a keyword only in the head of a rule.
      if (cursor.peek(1).isGlued && cursor.peek(1).text === '(') return parseName(cursor);
      break;
  }
  return cursor.fail(`a term expected, found the keyword ${at.text}`);
}

function parseName(cursor: Cursor): Term {
  const at = cursor.take();
  const name = at.text === '_' ? cursor.wildcard() : at.text;
  if (name === 'set' && isGluedTo(cursor, '(') && cursor.peek(1).text === ')') {
    cursor.take();
    cursor.take();
    return constant(EMPTY_SET, at);
  }
  return { kind: 'variable', name, at };
}

function isGluedTo(cursor: Cursor, text: string): boolean {
  return cursor.next.isGlued && cursor.isAt(text);
}

/** Name of a function: `count`, `regex.match`; undefined when a term cannot be one. */
function functionName(term: Term): string | undefined {
  if (term.kind === 'variable') return term.name;
  if (term.kind !== 'reference' || term.head.kind !== 'variable') return undefined;
  const names: string[] = [term.head.name];
  for (const step of term.path) {
    if (step.kind !== 'constant' || typeof step.value !== 'string') return undefined;
    names.push(step.value);
  }
  return names.join('.');
}

/** What may follow a term without space: `.name`, `[index]`, `(arguments)`. */
function parsePath(cursor: Cursor, head: Term): Term {
  let term = head;
  for (;;) {
    if (isGluedTo(cursor, '.')) {
      cursor.take();
      const at = cursor.next;
      if ((at.kind !== 'name' && at.kind !== 'keyword') || !at.isGlued) cursor.fail('a name expected after "."');
      term = extend(term, constant(cursor.take().text, at));
    } else if (isGluedTo(cursor, '[')) {
      cursor.take();
      term = extend(term, cursor.grammar.expression(cursor));
      cursor.expect(']', 'after an index');
    } else if (isGluedTo(cursor, '(')) {
      const at = cursor.take();
      const name = functionName(term) ?? cursor.fail('only functions can be called', at);
      term = { kind: 'call', name, args: parseArguments(cursor), at: term.at };
    } else return term;
  }
}

function extend(term: Term, step: Term): Term {
  if (term.kind !== 'reference') return { kind: 'reference', head: term, path: [step], at: term.at };
  return { ...term, path: [...term.path, step] };
}

/** Arguments of a call, the closing parenthesis included. */
export function parseArguments(cursor: Cursor): readonly Term[] {
  const args: Term[] = [];
  while (!cursor.tryTake(')')) {
    args.push(cursor.grammar.expression(cursor));
    if (!cursor.tryTake(',') && !cursor.isAt(')')) cursor.fail(`, or ) expected, found ${cursor.describeNext()}`);
  }
  return args;
}

function comprehension(
  cursor: Cursor,
  at: Position,
  result: Comprehension['result'],
  term: Term,
  key?: Term,
): Comprehension {
  cursor.expect('|', 'in a comprehension');
  const body: Body = cursor.grammar.bodyUntil(cursor, result === 'array' ? ']' : '}');
  return { kind: 'comprehension', result, key, term, body, at };
}

function parseArray(cursor: Cursor, at: Position): Term {
  const items: Term[] = [];
  while (!cursor.tryTake(']')) {
    const item = cursor.grammar.expression(cursor, { stopsAtBar: items.length === 0 });
    if (items.length === 0 && cursor.isAt('|')) return comprehension(cursor, at, 'array', item);
    items.push(item);
    if (!cursor.tryTake(',') && !cursor.isAt(']')) cursor.fail(`, or ] expected, found ${cursor.describeNext()}`);
  }
  const values = constantsOf(items);
  return values === undefined ? { kind: 'array', items, at } : constant(values, at);
}

function parseBraces(cursor: Cursor, at: Position): Term {
  if (cursor.tryTake('}')) return constant(EMPTY_OBJECT, at);
  const first = cursor.grammar.expression(cursor, { stopsAtBar: true });
  if (cursor.isAt(':')) return parseObject(cursor, at, first);
  if (cursor.isAt('|')) return comprehension(cursor, at, 'set', first);
  const items = [first];
  while (!cursor.tryTake('}')) {
    if (!cursor.tryTake(',')) cursor.fail(`, or } expected, found ${cursor.describeNext()}`);
    if (!cursor.isAt('}')) items.push(cursor.grammar.expression(cursor));
  }
  const values = constantsOf(items);
  return values === undefined ? { kind: 'set', items, at } : constant(setOf(values), at);
}

function parseObject(cursor: Cursor, at: Position, firstKey: Term): Term {
  const entries: (readonly [Term, Term])[] = [];
  let key = firstKey;
  for (;;) {
    cursor.expect(':', 'after a key');
    const value = cursor.grammar.expression(cursor, { stopsAtBar: entries.length === 0 });
    if (entries.length === 0 && cursor.isAt('|')) return comprehension(cursor, at, 'object', value, key);
    entries.push([key, value]);
    if (!cursor.tryTake(',') && !cursor.isAt('}')) cursor.fail(`, or } expected, found ${cursor.describeNext()}`);
    if (cursor.tryTake('}')) return objectTerm(cursor, at, entries);
    key = cursor.grammar.expression(cursor);
  }
}
