import type { Body, Statement, Term } from '../syntax/ast.ts';

/** Calls `visit` for each variable of a term outside of comprehensions. */
export function forEachVariable(term: Term, visit: (name: string) => void): void {
  switch (term.kind) {
    case 'constant':
    case 'comprehension':
      return;
    case 'variable':
      return visit(term.name);
    case 'reference':
      forEachVariable(term.head, visit);
      for (const step of term.path) forEachVariable(step, visit);
      return;
    case 'call':
      for (const arg of term.args) forEachVariable(arg, visit);
      return;
    case 'array':
    case 'set':
      for (const item of term.items) forEachVariable(item, visit);
      return;
    case 'object':
      for (const [key, value] of term.entries) {
        forEachVariable(key, visit);
        forEachVariable(value, visit);
      }
  }
}

/** Calls `visit` for each variable that matching a value against the term can give a value: not those in references and calls. */
export function forEachPatternVariable(term: Term, visit: (name: string) => void): void {
  if (term.kind === 'variable') visit(term.name);
  else if (term.kind === 'array') for (const item of term.items) forEachPatternVariable(item, visit);
  else if (term.kind === 'object') for (const [, value] of term.entries) forEachPatternVariable(value, visit);
}

/** The terms that stand directly in a statement, its inner bodies left out. */
export function termsOf(statement: Statement): readonly Term[] {
  const values = statement.modifiers.map(({ value }) => value);
  switch (statement.kind) {
    case 'expression':
      return [statement.term, ...values];
    case 'assign':
      return [statement.target, statement.value, ...values];
    case 'unify':
      return [statement.left, statement.right, ...values];
    case 'declare':
      return values;
    case 'some':
      return [...(statement.key === undefined ? [] : [statement.key]), statement.value, statement.domain, ...values];
    case 'every':
      return [statement.domain, ...values];
    case 'not':
      return values;
  }
}

/** Names that the statements of a body make new variables. */
export function declaredNames(body: Body): readonly string[] {
  const names: string[] = [];
  const add = (name: string): void => void names.push(name);
  for (const statement of body) {
    if (statement.kind === 'declare') names.push(...statement.names);
    if (statement.kind === 'assign') forEachPatternVariable(statement.target, add);
    if (statement.kind === 'some') {
      if (statement.key !== undefined) forEachPatternVariable(statement.key, add);
      forEachPatternVariable(statement.value, add);
    }
  }
  return names;
}
