/**
 * Something on the host that a person can put right: a missing program, a bad argument, a VM that did not start.
 * The command line prints `message` (and `hint`) as one line and exits with 1; no stack, because it is not a bug.
 */
export class HostError extends Error {
  override readonly name = 'HostError';
  /** How to get what is missing, e.g. `apt-get install qemu-system-x86`. */
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
  }
}

/** One line: the message, its causes, and the hint in parentheses. */
export function describeHostError(error: unknown): string {
  const parts: string[] = [];
  let hint: string | undefined;
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current !== undefined; depth++) {
    if (!(current instanceof Error)) {
      parts.push(String(current));
      break;
    }
    if (current instanceof HostError) hint ??= current.hint;
    // A wrapper that quotes its cause would otherwise say everything twice.
    if (current.message !== '' && !parts.some((part) => part.includes((current as Error).message))) {
      parts.push(current.message);
    }
    current = current.cause;
  }
  const text = parts.join(': ').replace(/\s*\n\s*/g, '; ');
  return hint === undefined ? text : `${text} (${hint})`;
}
