import type { Import, Module, Rule, Term } from './ast.ts';
import { Cursor } from './cursor.ts';
import { parseBodyUntil } from './parse-body.ts';
import { parseExpression } from './parse-expression.ts';
import { parseOperand } from './parse-operand.ts';
import { parseRule } from './parse-rule.ts';
import { Tokenizer } from './tokenize.ts';

/** Reads a policy. `file` names it in errors. Throws PolicyTextError. */
export function parseModule(file: string, text: string): Module {
  const cursor = new Cursor(file, new Tokenizer(file, text).run(), {
    expression: parseExpression,
    bodyUntil: parseBodyUntil,
  });
  cursor.expect('package', 'at the beginning of the policy');
  const packagePath = namesOf(cursor, parseOperand(cursor));
  const imports: Import[] = [];
  const rules: Rule[] = [];
  for (;;) {
    const isSeparated = cursor.tryTake(';') || cursor.next.isFirstOfLine;
    if (cursor.isAtEnd) break;
    if (!isSeparated) cursor.fail(`a new line expected, found ${cursor.describeNext()}`);
    if (cursor.tryTake('import')) imports.push(...parseImport(cursor));
    else rules.push(...parseRule(cursor));
  }
  return { file, packagePath, imports, rules };
}

function namesOf(cursor: Cursor, term: Term): readonly string[] {
  const steps = term.kind === 'reference' ? [term.head, ...term.path] : [term];
  return steps.map((step) => {
    if (step.kind === 'variable') return step.name;
    if (step.kind === 'constant' && typeof step.value === 'string') return step.value;
    return cursor.fail('names expected', step.at);
  });
}

/** Imports of the language's own versions bring nothing here: all of it is always there. */
function parseImport(cursor: Cursor): readonly Import[] {
  const target = parseOperand(cursor);
  const names = namesOf(cursor, target);
  const alias = cursor.tryTake('as') ? cursor.take().text : (names[names.length - 1] as string);
  switch (names[0]) {
    case 'future':
      if (names[1] !== 'keywords') cursor.fail(`nothing to import as ${names.join('.')}`, target.at);
      return [];
    case 'rego':
      if (names[1] !== 'v1') cursor.fail(`nothing to import as ${names.join('.')}`, target.at);
      return [];
    case 'input':
    case 'data':
      return names.length === 1 && alias === names[0] ? [] : [{ alias, target }];
    default:
      return cursor.fail('an import begins with input, data, future or rego', target.at);
  }
}
