/**
 * A system call that failed, with the arguments that matter.
 *
 * The message reads like `mount /dev/vda on /run/x: ENODEV`; layers above add their own noun through `cause`.
 */
export class SysError extends Error {
  override readonly name = 'SysError';
  /** Name of the system call or operation, e.g. `openat2`. */
  readonly call: string;
  /** Positive errno number, e.g. 2. */
  readonly errno: number;
  /** Symbolic errno, e.g. `ENOENT`. */
  readonly code: string;
  /** The arguments that matter (path, target, flags), free text. */
  readonly subject: string;

  constructor(call: string, errno: number, code: string, subject = '') {
    super(subject === '' ? `${call}: ${code}` : `${call} ${subject}: ${code}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
    this.subject = subject;
  }
}

/** True when `error` is a SysError with one of the given symbolic codes. */
export function isSysError(error: unknown, ...codes: string[]): error is SysError {
  return error instanceof SysError && (codes.length === 0 || codes.includes(error.code));
}
