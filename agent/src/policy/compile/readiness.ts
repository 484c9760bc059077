import { spend } from '../fuel.ts';
import type { Body, Statement, Term } from '../syntax/ast.ts';
import type { Emitter } from './emitter.ts';
import { declaredNames, forEachComprehension, forEachPatternVariable, forEachVariable, termsOf } from './variables.ts';

/** Whether a term can be computed: every variable in it has a value, or gets one by going through a collection. */
export function isComputable(emitter: Emitter, term: Term): boolean {
  spend(1);
  switch (term.kind) {
    case 'constant':
      return true;
    case 'variable':
      return emitter.unboundSlot(term) === undefined;
    case 'reference':
      return isComputable(emitter, term.head) && term.path.every((step) => isMatchable(emitter, step));
    case 'call':
      return term.args.every((arg) => isComputable(emitter, arg));
    case 'array':
    case 'set':
      return term.items.every((item) => isComputable(emitter, item));
    case 'object':
      return term.entries.every(([key, value]) => isComputable(emitter, key) && isComputable(emitter, value));
    case 'comprehension': {
      const heads = term.key === undefined ? [term.term] : [term.key, term.term];
      return isClosed(emitter, term.body, heads, new Set());
    }
  }
}

/** Whether a value can be matched against a term, which gives its new variables their values. */
export function isMatchable(emitter: Emitter, term: Term): boolean {
  switch (term.kind) {
    case 'variable':
      return true;
    case 'array':
      return term.items.every((item) => isMatchable(emitter, item));
    case 'object':
      return term.entries.every(([key, value]) => isComputable(emitter, key) && isMatchable(emitter, value));
    default:
      return isComputable(emitter, term);
  }
}

/** Whether a statement can come next. */
export function isReady(emitter: Emitter, statement: Statement): boolean {
  const isValue = (term: Term): boolean => isComputable(emitter, term);
  const isPattern = (term: Term): boolean => isMatchable(emitter, term);
  if (!statement.modifiers.every(({ value }) => isValue(value))) return false;
  switch (statement.kind) {
    case 'expression':
      return isValue(statement.term);
    case 'assign':
      return isValue(statement.value) && isPattern(statement.target);
    case 'unify': {
      const { left, right } = statement;
      return (isValue(left) && isPattern(right)) || (isValue(right) && isPattern(left));
    }
    case 'declare':
      return true;
    case 'some':
      return (
        isValue(statement.domain) &&
        isPattern(statement.value) &&
        (statement.key === undefined || isPattern(statement.key))
      );
    case 'every': {
      const own = new Set<string>();
      for (const term of [statement.key, statement.value])
        if (term !== undefined) forEachPatternVariable(term, (name) => void own.add(name));
      return isValue(statement.domain) && isClosed(emitter, statement.body, [], own);
    }
    case 'not':
      return isClosed(emitter, statement.body, [], new Set());
  }
}

/** Whether all variables that an inner body takes from outside have values. `own` are names that are its own. */
function isClosed(emitter: Emitter, body: Body, heads: readonly Term[], own: ReadonlySet<string>): boolean {
  spend(1);
  const hidden = new Set([...own, ...declaredNames(body)]);
  let isSatisfied = true;
  const look = (name: string): void => {
    const slot = hidden.has(name) ? undefined : emitter.scope.find(name);
    if (slot !== undefined && !emitter.bound.has(slot)) isSatisfied = false;
  };
  const walk = (term: Term): void => {
    spend(1);
    forEachVariable(term, look);
    forEachComprehension(term, (inner) => {
      const innerHeads = inner.key === undefined ? [inner.term] : [inner.key, inner.term];
      isSatisfied &&= isClosed(emitter, inner.body, innerHeads, hidden);
    });
  };
  heads.forEach(walk);
  for (const statement of body) {
    termsOf(statement).forEach(walk);
    if (statement.kind === 'not') isSatisfied &&= isClosed(emitter, statement.body, [], hidden);
    if (statement.kind === 'every') {
      const names = new Set(hidden);
      for (const term of [statement.key, statement.value])
        if (term !== undefined) forEachPatternVariable(term, (name) => void names.add(name));
      isSatisfied &&= isClosed(emitter, statement.body, [], names);
    }
  }
  return isSatisfied;
}
