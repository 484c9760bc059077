import type { Body, Statement, Term } from '../syntax/ast.ts';

/** A part of a term that has no parts, or a body of its own. */
type Leaf = Extract<Term, { kind: 'constant' | 'variable' | 'comprehension' }>;

function forEachLeaf(term: Term, visit: (leaf: Leaf) => void): void {
  const visitAll = (terms: readonly Term[]): void => terms.forEach((inner) => forEachLeaf(inner, visit));
  switch (term.kind) {
    case 'constant':
    case 'comprehension':
    case 'variable':
      return visit(term);
    case 'reference':
      forEachLeaf(term.head, visit);
      return visitAll(term.path);
    case 'call':
      return visitAll(term.args);
    case 'array':
    case 'set':
      return visitAll(term.items);
    case 'object':
      for (const entry of term.entries) visitAll(entry);
  }
}

/** Calls `visit` for each variable of a term outside of comprehensions. */
export function forEachVariable(term: Term, visit: (name: string) => void): void {
  forEachLeaf(term, (leaf) => {
    if (leaf.kind === 'variable') visit(leaf.name);
  });
}

/** Calls `visit` for each comprehension of a term, not for those inside of one. */
export function forEachComprehension(
  term: Term,
  visit: (inner: Extract<Term, { kind: 'comprehension' }>) => void,
): void {
  forEachLeaf(term, (leaf) => {
    if (leaf.kind === 'comprehension') visit(leaf);
  });
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
