import type { Position } from '../policy-error.ts';
import type { Body, Branch, Rule, Term } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseBodyUntil, parseStatement } from './parse-body.ts';
import { parseExpression } from './parse-expression.ts';
import { parseOperand } from './parse-operand.ts';

/** What stands before the body. */
interface Head {
  readonly name: string;
  readonly args: readonly Term[] | undefined;
  readonly path: readonly Term[];
  readonly member: Term | undefined;
  readonly value: Term;
  readonly hasValue: boolean;
  readonly at: Position;
}

/** One rule; several when it has several bodies (`p { ... } { ... }`). */
export function parseRule(cursor: Cursor): readonly Rule[] {
  const isDefault = cursor.tryTake('default');
  const head = parseHead(cursor);
  if (isDefault) {
    if (!head.hasValue || head.member !== undefined || head.path.length > 0)
      cursor.fail('a default rule is a name and a value', head.at);
    return [ruleOf(head, true, { value: head.value, body: [], otherwise: undefined, at: head.at })];
  }
  const hasIf = cursor.tryTake('if');
  if (!hasIf && !cursor.isAt('{')) {
    if (!head.hasValue && head.member === undefined) {
      // `p[x]` alone, as the language had it before `contains`.
      if (head.path.length !== 1) cursor.fail(`a rule needs a value or a body, found ${cursor.describeNext()}`);
      return [ruleOf(asSet(head), false, branchOf(cursor, head, []))];
    }
    return [ruleOf(head, false, branchOf(cursor, head, []))];
  }
  // Without `if`, `p[x] { ... }` is a set.
  const shaped = !hasIf && !head.hasValue && head.path.length === 1 ? asSet(head) : head;
  const rules = [ruleOf(shaped, false, branchOf(cursor, shaped, parseRuleBody(cursor, hasIf)))];
  while (!hasIf && cursor.isAt('{'))
    rules.push(ruleOf(shaped, false, branchOf(cursor, shaped, parseRuleBody(cursor, false))));
  return rules;
}

function asSet(head: Head): Head {
  return { ...head, path: [], member: head.path[0] };
}

function ruleOf(head: Head, isDefault: boolean, branch: Branch): Rule {
  const { name, args, path, member, at } = head;
  return { name, isDefault, args, path, member, branch, at };
}

function parseRuleBody(cursor: Cursor, hasIf: boolean): Body {
  if (cursor.tryTake('{')) return parseBodyUntil(cursor, '}');
  if (!hasIf) cursor.fail(`{ expected before the body of a rule, found ${cursor.describeNext()}`);
  return [parseStatement(cursor)];
}

function parseHead(cursor: Cursor): Head {
  const at = cursor.next;
  if (at.kind !== 'name') cursor.fail(`a rule expected, found ${cursor.describeNext()}`);
  const shape = headShape(cursor, parseOperand(cursor));
  if (cursor.tryTake('contains')) {
    if (shape.args !== undefined || shape.path.length > 0) cursor.fail('a set rule is a plain name', at);
    const truth: Term = { kind: 'constant', value: true, at };
    return { ...shape, member: parseExpression(cursor), value: truth, hasValue: false, at };
  }
  const hasValue = cursor.tryTake(':=') || cursor.tryTake('=');
  const value: Term = hasValue ? parseExpression(cursor) : { kind: 'constant', value: true, at };
  return { ...shape, member: undefined, value, hasValue, at };
}

function headShape(cursor: Cursor, term: Term): Pick<Head, 'name' | 'args' | 'path'> {
  if (term.kind === 'variable') return { name: term.name, args: undefined, path: [] };
  if (term.kind === 'call') {
    if (term.name.includes('.')) cursor.fail('a function is a plain name', term.at);
    return { name: term.name, args: term.args, path: [] };
  }
  if (term.kind === 'reference' && term.head.kind === 'variable')
    return { name: term.head.name, args: undefined, path: term.path };
  return cursor.fail('a rule begins with its name', term.at);
}

/** The body's branch with the `else` that follows it. */
function branchOf(cursor: Cursor, head: Head, body: Body): Branch {
  return cursor.nested(() => {
    const { value, at } = head;
    if (!cursor.isAt('else')) return { value, body, otherwise: undefined, at };
    const elseAt = cursor.take();
    if (head.member !== undefined || head.path.length > 0) cursor.fail('only a complete rule has else', elseAt);
    const hasValue = cursor.tryTake(':=') || cursor.tryTake('=');
    const elseValue: Term = hasValue ? parseExpression(cursor) : { kind: 'constant', value: true, at: elseAt };
    const hasIf = cursor.tryTake('if');
    const elseBody = hasIf || cursor.isAt('{') ? parseRuleBody(cursor, hasIf) : [];
    const otherwise = branchOf(cursor, { ...head, value: elseValue, at: elseAt }, elseBody);
    return { value, body, otherwise, at };
  });
}
