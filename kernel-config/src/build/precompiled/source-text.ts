/** What a C file says that matters for the order in which headers are read. */
export type SourceEvent =
  | {
      readonly kind: 'include';
      /** Name between the quotes or brackets. */
      readonly name: string;
      readonly isQuoted: boolean;
      /** Whether it is read for sure, and not only if something holds that was not worked out. */
      readonly isSure: boolean;
    }
  | {
      /** `#define` or `#undef`. */
      readonly kind: 'macro';
      readonly name: string;
      readonly isDefined: boolean;
      /** Whether it stands in an `#ifndef` of its own name. */
      readonly isDefault: boolean;
      readonly isSure: boolean;
    };

export interface SourceText {
  readonly events: readonly SourceEvent[];
  /** Every word outside of comments and of strings; found when it is asked for. */
  readonly words: ReadonlySet<string>;
}

/** Whether a macro is defined for every object; undefined where that is not known. */
export type KnownMacro = (name: string) => boolean | undefined;

/** What holds in a part of a file; undefined where that is not known. */
type Truth = boolean | undefined;

interface Branch {
  /** Whether one of the branches before was taken. */
  taken: Truth;
  current: Truth;
  /** The macro of an `#ifndef`, while in its first branch. */
  missing: string | undefined;
}

const DIRECTIVE = /^[ \t]*#[ \t]*(include|define|undef|ifdef|ifndef|if|elif|else|endif)\b(.*)$/;

/** Joins continued lines and blanks comments; a string keeps its text, whatever stands in it. */
export function withoutComments(text: string): string {
  return text
    .replace(/\\\r?\n/g, ' ')
    .replace(/\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (match) =>
      match.startsWith('/') ? ' ' : match,
    );
}

/**
 * Reads a C file. Conditions that hold or do not hold for every object (`KnownMacro`) are followed; of all others both branches
 * count, and what stands in them is not sure. The guard of a header holds: a header is only looked at the first time.
 */
export function parseSource(text: string, known: KnownMacro): SourceText {
  const plain = withoutComments(text);
  const events: SourceEvent[] = [];
  const branches: Branch[] = [];
  const lines = plain.split('\n');
  const guard = guardOf(lines);
  for (const line of lines) {
    const match = DIRECTIVE.exec(line);
    if (!match) continue;
    const [, directive = '', rest = ''] = match;
    const argument = rest.trim();
    const top = branches.at(-1);
    switch (directive) {
      case 'ifdef':
      case 'ifndef': {
        const name = /^\w+/.exec(argument)?.[0] ?? '';
        const isDefined = known(name);
        const isGuard = directive === 'ifndef' && name === guard && branches.length === 0;
        const holds = isGuard ? true : isDefined === undefined ? undefined : isDefined === (directive === 'ifdef');
        branches.push({ taken: holds, current: holds, missing: directive === 'ifndef' ? name : undefined });
        break;
      }
      case 'if': {
        const holds = evaluate(argument, known);
        const missing = /^!\s*defined\s*\(?\s*(\w+)\s*\)?$/.exec(argument)?.[1];
        branches.push({ taken: holds, current: holds, missing });
        break;
      }
      case 'elif':
        if (top) {
          const holds = evaluate(argument, known);
          top.current = top.taken === true ? false : holds === false ? false : top.taken === false ? holds : undefined;
          top.taken = top.taken === true || holds === true ? true : top.taken === false ? holds : undefined;
          top.missing = undefined;
        }
        break;
      case 'else':
        if (top) {
          top.current = top.taken === undefined ? undefined : !top.taken;
          top.missing = undefined;
        }
        break;
      case 'endif':
        branches.pop();
        break;
      default: {
        if (branches.some(({ current }) => current === false)) break;
        const isSure = branches.every(({ current }) => current === true);
        if (directive === 'include') {
          const [, quote, name] = /^(["<])([^">]+)[">]/.exec(argument) ?? [];
          // A name that a macro makes is not known: only generators of tracepoints have one, and they come last.
          if (name !== undefined) events.push({ kind: 'include', name, isQuoted: quote === '"', isSure });
        } else {
          const name = /^\w+/.exec(argument)?.[0];
          if (name === undefined) break;
          const isDefault = branches.some(({ missing }) => missing === name);
          events.push({ kind: 'macro', name, isDefined: directive === 'define', isDefault, isSure });
        }
      }
    }
  }
  let words: ReadonlySet<string> | undefined;
  return {
    events,
    get words() {
      return (words ??= new Set(plain.replace(/"(?:\\.|[^"\\\n])*"/g, ' ').match(/[A-Za-z_]\w*/g)));
    },
  };
}

/** The macro that keeps a header from being read twice. */
function guardOf(lines: readonly string[]): string | undefined {
  const directives: string[] = [];
  for (const line of lines) {
    if (!line.includes('#') || !DIRECTIVE.test(line)) continue;
    directives.push(line);
    if (directives.length === 2) break;
  }
  const tested = /^\s*#\s*(?:ifndef\s+|if\s+!\s*defined\s*\(?\s*)(\w+)/.exec(directives[0] ?? '')?.[1];
  const defined = /^\s*#\s*define\s+(\w+)/.exec(directives[1] ?? '')?.[1];
  return tested !== undefined && tested === defined ? tested : undefined;
}

/** Works out the conditions that are made of one macro or a number. */
function evaluate(condition: string, known: KnownMacro): Truth {
  if (/^[01]$/.test(condition)) return condition === '1';
  const [, negation, test, name] =
    /^(!?)\s*(defined\b|IS_ENABLED\b|IS_BUILTIN\b)\s*\(?\s*(\w+)\s*\)?$/.exec(condition) ?? [];
  if (name === undefined) return undefined;
  const isDefined = known(name) === true || test !== 'IS_ENABLED' ? known(name) : known(`${name}_MODULE`);
  return isDefined === undefined ? undefined : negation === '!' ? !isDefined : isDefined;
}
