/** A kernel configuration value: a tristate, or the text of a string, number or hex symbol as the file spells it. */
export type SymbolValue = string;

/** One request of a fragment: symbol `name` (without `CONFIG_`) shall have `value`; `n` means off. */
export interface Assignment {
  readonly name: string;
  readonly value: SymbolValue;
  /** Fragment it came from, for messages. */
  readonly fragment: string;
  /** Line in that fragment, from 1. */
  readonly line: number;
}

const ASSIGNMENT = /^CONFIG_([A-Za-z0-9_]+)=(.*)$/;
const UNSET = /^# CONFIG_([A-Za-z0-9_]+) is not set$/;
const VALUE = /^(?:y|n|-?\d+|0x[0-9a-fA-F]+|"(?:[^"\\]|\\.)*")$/;

/** A fragment breaks a rule; the message names file, line and rule. */
export class FragmentError extends Error {
  override readonly name = 'FragmentError';
}

/**
 * Reads one fragment: `CONFIG_X=value` and `# CONFIG_X is not set` as the kernel writes them; other lines that
 * begin with `#` are comments. `=m` is refused, because our kernels have no modules.
 *
 * @throws {FragmentError} on any other line, and on a symbol named twice.
 */
export function parseFragment(fragment: string, text: string): Assignment[] {
  const assignments: Assignment[] = [];
  const seen = new Set<string>();
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const where = `fragment ${fragment}, line ${line}`;
    const trimmed = raw.trim();
    const unset = UNSET.exec(trimmed);
    const assigned = ASSIGNMENT.exec(trimmed);
    let name: string;
    let value: string;
    if (unset) {
      name = unset[1] ?? '';
      value = 'n';
    } else if (assigned) {
      name = assigned[1] ?? '';
      value = assigned[2] ?? '';
      if (!VALUE.test(value)) {
        const why = value === 'm' ? 'modules are off, write =y' : 'value is neither y, n, a number nor a "string"';
        throw new FragmentError(`${where}: CONFIG_${name}=${value}: ${why}`);
      }
    } else if (trimmed === '' || isComment(trimmed)) {
      return;
    } else {
      throw new FragmentError(`${where}: not an assignment, "is not set" or comment: ${trimmed}`);
    }
    if (seen.has(name)) throw new FragmentError(`${where}: CONFIG_${name} is already set in this fragment`);
    seen.add(name);
    assignments.push({ name, value, fragment, line });
  });
  return assignments;
}

/** A comment that mentions a symbol at its start is taken for a mistyped "is not set", which would silently do nothing. */
function isComment(line: string): boolean {
  return line.startsWith('#') && !/^#\s*CONFIG_/.test(line);
}
