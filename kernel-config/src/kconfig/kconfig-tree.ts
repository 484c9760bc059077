/** What Kconfig files say about one symbol, as far as messages need it. A symbol may be declared in several places. */
export interface SymbolDeclaration {
  /** Kconfig file and line. */
  readonly place: string;
  /** Every `depends on`, enclosing `if` and enclosing menu condition: all must hold. */
  readonly conditions: readonly string[];
  /** The condition of `prompt if ...`, when there is one: without it the value cannot be chosen. */
  readonly promptCondition: string | undefined;
  /** Without a prompt the symbol can only be selected by others. */
  readonly hasPrompt: boolean;
  /** `select` and `imply` lines: what this symbol switches on with it. */
  readonly switchesOn: readonly Switch[];
  /** `default`, `def_bool` and `def_tristate` lines, in order: the first whose condition holds counts. */
  readonly defaults: readonly DefaultValue[];
  /** Whether it is one of a `choice`. */
  readonly isChoice: boolean;
}

/** One `select` or `imply` line. */
export interface Switch {
  readonly kind: 'select' | 'imply';
  readonly target: string;
  /** The expression after `if`, when there is one. */
  readonly condition: string | undefined;
  /** Kconfig file and line. */
  readonly place: string;
}

/** One default: an expression, and the expression after `if`. */
export interface DefaultValue {
  readonly value: string;
  readonly condition: string | undefined;
}

/** Reads a Kconfig file relative to the top of the kernel tree; undefined when it does not exist. */
export type ReadKconfig = (path: string) => string | undefined;

interface Scope {
  readonly kind: 'if' | 'menu' | 'choice' | 'file';
  readonly conditions: string[];
}

interface Draft {
  readonly name: string;
  readonly place: string;
  readonly outer: readonly string[];
  readonly own: string[];
  promptCondition: string | undefined;
  hasPrompt: boolean;
  readonly switchesOn: Switch[];
  readonly defaults: DefaultValue[];
  readonly isChoice: boolean;
}

/**
 * Collects the declarations below `root` ("Kconfig"), following `source`. It reads the subset of the language
 * that decides whether a symbol can be set, and skips the rest, so an unknown construct costs a hint, never an error.
 */
export function readKconfigTree(root: string, arch: string, read: ReadKconfig): Map<string, SymbolDeclaration[]> {
  const declarations = new Map<string, SymbolDeclaration[]>();
  visitFile(root, [], { arch, read, declarations, depth: 0, open: new Set() });
  return declarations;
}

interface Context {
  readonly arch: string;
  readonly read: ReadKconfig;
  readonly declarations: Map<string, SymbolDeclaration[]>;
  readonly depth: number;
  /** Files that are being read: one that sources itself is not read again. */
  readonly open: Set<string>;
}

/** Deeper nesting than any kernel has. */
const MAX_DEPTH = 24;
/** More conditions than any symbol has. What is beyond costs a hint; without a bound, time would grow with the square of a file. */
const MAX_CONDITIONS = 64;

function visitFile(path: string, inherited: readonly string[], context: Context): void {
  if (context.open.has(path)) return;
  const content = context.depth < MAX_DEPTH ? context.read(path) : undefined;
  if (content === undefined) return;
  context.open.add(path);
  const scopes: Scope[] = [{ kind: 'file', conditions: [...inherited] }];
  const outerConditions = (): string[] =>
    scopes
      .slice(0, MAX_CONDITIONS)
      .flatMap((scope) => scope.conditions)
      .slice(0, MAX_CONDITIONS);
  let draft: Draft | undefined;
  /** Where a `depends on` belongs when no symbol is open: to the menu or choice just begun. */
  let header: Scope | undefined;
  let helpIndent: number | undefined;

  const finish = (): void => {
    if (draft) record(draft, context.declarations);
    draft = undefined;
  };

  joinContinuations(content).forEach(({ text, line }) => {
    const indent = /^[\t ]*/.exec(text)?.[0].replaceAll('\t', '        ').length ?? 0;
    const statement = stripComment(text.trim());
    if (statement === '') return;
    if (helpIndent !== undefined) {
      if (indent > helpIndent) return;
      helpIndent = undefined;
    }
    const [keyword, rest] = splitKeyword(statement);
    switch (keyword) {
      case 'help':
        helpIndent = indent;
        return;
      case 'config':
      case 'menuconfig':
        finish();
        header = undefined;
        draft = newDraft(
          rest,
          `${path}:${line}`,
          outerConditions(),
          scopes.some((scope) => scope.kind === 'choice'),
        );
        return;
      case 'if':
        finish();
        scopes.push({ kind: 'if', conditions: [rest] });
        return;
      case 'menu':
      case 'choice':
        finish();
        header = { kind: keyword, conditions: [] };
        scopes.push(header);
        return;
      case 'endif':
      case 'endmenu':
      case 'endchoice':
        finish();
        header = undefined;
        if (scopes.length > 1) scopes.pop();
        return;
      case 'comment':
        finish();
        // Its conditions concern nothing but the comment itself.
        header = { kind: 'menu', conditions: [] };
        return;
      case 'source':
        finish();
        header = undefined;
        visitFile(sourcePath(rest, context.arch), outerConditions(), { ...context, depth: context.depth + 1 });
        return;
      case 'depends':
        if (draft) draft.own.push(rest.replace(/^on\s+/, ''));
        else if (header && header.conditions.length < MAX_CONDITIONS)
          header.conditions.push(rest.replace(/^on\s+/, ''));
        return;
      case 'bool':
      case 'tristate':
      case 'string':
      case 'int':
      case 'hex':
      case 'prompt':
        if (draft) readPrompt(draft, rest);
        return;
      case 'select':
      case 'imply':
        if (draft) readSwitch(draft, keyword, rest, `${path}:${line}`);
        return;
      case 'default':
      case 'def_bool':
      case 'def_tristate':
        if (draft) readDefault(draft, rest);
        return;
      default:
        return;
    }
  });
  finish();
  context.open.delete(path);
}

function newDraft(name: string, place: string, outer: readonly string[], isChoice: boolean): Draft {
  return {
    name,
    place,
    outer,
    own: [],
    promptCondition: undefined,
    hasPrompt: false,
    switchesOn: [],
    defaults: [],
    isChoice,
  };
}

function readSwitch(draft: Draft, kind: Switch['kind'], rest: string, place: string): void {
  const [target, condition] = splitCondition(rest);
  if (/^\w+$/.test(target)) draft.switchesOn.push({ kind, target, condition, place });
}

function readDefault(draft: Draft, rest: string): void {
  const [value, condition] = splitCondition(rest);
  if (value !== '' && draft.defaults.length < MAX_CONDITIONS) draft.defaults.push({ value, condition });
}

/** `VALUE if CONDITION`; an `if` inside quotes does not count. */
function splitCondition(rest: string): [string, string | undefined] {
  const match = /^((?:"[^"]*"|'[^']*'|[^"'])*?)\s+if\s+(.*)$/.exec(rest);
  return match ? [match[1]?.trim() ?? '', match[2]] : [rest.trim(), undefined];
}

function readPrompt(draft: Draft, rest: string): void {
  const match = /^(?:"(?:[^"\\]|\\.)*"|'[^']*')\s*(?:if\s+(.*))?$/.exec(rest);
  if (!match) return;
  draft.hasPrompt = true;
  draft.promptCondition = match[1];
}

function record(draft: Draft, declarations: Map<string, SymbolDeclaration[]>): void {
  const { name, place, outer, own, promptCondition, hasPrompt, switchesOn, defaults, isChoice } = draft;
  const list = declarations.get(name) ?? [];
  list.push({ place, conditions: [...outer, ...own], promptCondition, hasPrompt, switchesOn, defaults, isChoice });
  declarations.set(name, list);
}

function splitKeyword(statement: string): [string, string] {
  const match = /^([a-z_-]+)\s*(.*)$/.exec(statement);
  return [match?.[1] ?? '', match?.[2] ?? ''];
}

function stripComment(statement: string): string {
  const hash = statement.indexOf('#');
  return hash === 0 || (hash > 0 && !statement.includes('"')) ? statement.slice(0, hash).trimEnd() : statement;
}

function sourcePath(rest: string, arch: string): string {
  return rest.replace(/^["']|["']$/g, '').replaceAll('$(SRCARCH)', arch);
}

function joinContinuations(content: string): { text: string; line: number }[] {
  const joined: { text: string; line: number }[] = [];
  let pending: { text: string; line: number } | undefined;
  content.split('\n').forEach((raw, index) => {
    const text = pending ? `${pending.text} ${raw.trim()}` : raw;
    const line = pending?.line ?? index + 1;
    if (text.endsWith('\\')) {
      pending = { text: text.slice(0, -1).trimEnd(), line };
      return;
    }
    pending = undefined;
    joined.push({ text, line });
  });
  return joined;
}
