/**
 * Dependency expressions of Kconfig (Documentation/kbuild/kconfig-language.rst, "menu dependencies"):
 * symbols and constants joined by `&&`, `||`, `!`, `=`, `!=` and parentheses.
 */
export type Expression =
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: string }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or' | 'equal' | 'unequal'; readonly left: Expression; readonly right: Expression };

const TOKEN = /\s*(&&|\|\||!=|=|!|\(|\)|"[^"]*"|'[^']*'|\$\([^)]*\)|[A-Za-z0-9_./-]+)/y;

/** More than any expression of the kernel has; the parser and `evaluate` recurse as deep as this at most. */
const MAX_TOKENS = 1000;

/** Parses an expression; undefined when it uses something this reader does not know (it only serves messages). */
export function parseExpression(text: string): Expression | undefined {
  const tokens = tokenize(text);
  if (!tokens) return undefined;
  let position = 0;
  const peek = (): string | undefined => tokens[position];

  const primary = (): Expression | undefined => {
    const token = tokens[position++];
    if (token === undefined) return undefined;
    if (token === '(') {
      const inner = or();
      return tokens[position++] === ')' ? inner : undefined;
    }
    if (token === '!') {
      const operand = primary();
      return operand && { kind: 'not', operand };
    }
    if (/^(?:y|m|n)$|^["'$]|^-?\d/.test(token)) return { kind: 'constant', value: token.replace(/^["']|["']$/g, '') };
    return /^[A-Za-z0-9_]+$/.test(token) ? { kind: 'symbol', name: token } : undefined;
  };
  const comparison = (): Expression | undefined => {
    const left = primary();
    const operator = peek();
    if (!left || (operator !== '=' && operator !== '!=')) return left;
    position++;
    const right = primary();
    return right && { kind: operator === '=' ? 'equal' : 'unequal', left, right };
  };
  const chain = (operator: '&&' | '||', next: () => Expression | undefined): Expression | undefined => {
    let left = next();
    while (left && peek() === operator) {
      position++;
      const right = next();
      left = right && { kind: operator === '&&' ? 'and' : 'or', left, right };
    }
    return left;
  };
  const and = (): Expression | undefined => chain('&&', comparison);
  const or = (): Expression | undefined => chain('||', and);

  const expression = or();
  return position === tokens.length ? expression : undefined;
}

/** Whether the expression holds; a symbol that `valueOf` does not know is `n`. */
export function evaluate(expression: Expression, valueOf: (symbol: string) => string | undefined): boolean {
  switch (expression.kind) {
    case 'constant':
    case 'symbol':
      return ['y', 'm'].includes(text(expression, valueOf));
    case 'not':
      return !evaluate(expression.operand, valueOf);
    case 'and':
      return evaluate(expression.left, valueOf) && evaluate(expression.right, valueOf);
    case 'or':
      return evaluate(expression.left, valueOf) || evaluate(expression.right, valueOf);
    case 'equal':
      return text(expression.left, valueOf) === text(expression.right, valueOf);
    case 'unequal':
      return text(expression.left, valueOf) !== text(expression.right, valueOf);
  }
}

/** Names of all symbols in the expression, each once. */
export function symbolsOf(expression: Expression): string[] {
  const names = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === 'symbol') names.add(node.name);
    else if (node.kind === 'not') visit(node.operand);
    else if (node.kind !== 'constant') {
      visit(node.left);
      visit(node.right);
    }
  };
  visit(expression);
  return [...names];
}

function text(expression: Expression, valueOf: (symbol: string) => string | undefined): string {
  if (expression.kind === 'constant') return expression.value;
  if (expression.kind === 'symbol') return valueOf(expression.name)?.replace(/^"|"$/g, '') ?? 'n';
  return evaluate(expression, valueOf) ? 'y' : 'n';
}

function tokenize(source: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = source.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const match = TOKEN.exec(trimmed);
    if (!match?.[1] || tokens.length === MAX_TOKENS) return undefined;
    tokens.push(match[1]);
  }
  return tokens;
}
