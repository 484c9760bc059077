import type { Body, Statement, Term } from '../syntax/ast.ts';
import { isWildcard } from '../syntax/cursor.ts';
import type { Emitter } from './emitter.ts';
import { emitStatement } from './emit-statement.ts';
import { isReady } from './readiness.ts';
import { declaredNames, forEachVariable, termsOf } from './variables.ts';

/**
 * Emits the statements of a body in an order in which every variable has a value before it is used, as near to the written order as can be.
 * `heads` are terms that are computed for each solution; their variables belong to the body.
 */
export function emitBody(emitter: Emitter, body: Body, heads: readonly Term[]): void {
  const statements = body.flatMap(splitUnification);
  declareVariables(emitter, statements, heads);
  const waiting = [...statements];
  while (waiting.length > 0) {
    const index = waiting.findIndex((statement) => isReady(emitter, statement));
    // The first that waits is the one to blame; emitting it names the variable.
    const [next] = waiting.splice(Math.max(index, 0), 1);
    if (next === undefined) break;
    emitStatement(emitter, next);
    if (index === -1) emitter.fail(next.at, 'a variable is unsafe: nothing gives it a value');
  }
}

function declareVariables(emitter: Emitter, body: Body, heads: readonly Term[]): void {
  for (const name of declaredNames(body)) {
    if (emitter.scope.hasOwn(name) && !isWildcard(name))
      emitter.fail(body[0]?.at ?? { line: 1, column: 1 }, `variable ${name} is declared twice`);
    emitter.scope.declare(name);
  }
  const declare = (name: string): void => {
    if (emitter.scope.find(name) === undefined && emitter.names.find(name) === undefined) emitter.scope.declare(name);
  };
  for (const statement of body) for (const term of termsOf(statement)) forEachVariable(term, declare);
  for (const term of heads) forEachVariable(term, declare);
}

/** `[a, 1] = [2, b]` has no side that could be computed: its parts have. */
function splitUnification(statement: Statement): readonly Statement[] {
  if (statement.kind !== 'unify') return [statement];
  const { left, right, modifiers, at } = statement;
  if (left.kind !== 'array' || right.kind !== 'array' || left.items.length !== right.items.length) return [statement];
  return left.items.flatMap((item, index) =>
    splitUnification({ kind: 'unify', left: item, right: right.items[index] as Term, modifiers, at }),
  );
}
