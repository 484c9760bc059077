import { SysError } from './sys-error.ts';

/**
 * What went wrong, in the closed set that the API layer maps to a ttrpc status (one table, `api/status.ts`).
 * The names are those of google.rpc.Code in lower case.
 */
export type ErrorCode =
  | 'cancelled'
  | 'unknown'
  | 'invalid_argument'
  | 'deadline_exceeded'
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'failed_precondition'
  | 'unimplemented'
  | 'internal'
  | 'unavailable';

/** An error of our own domain: a code, a message for the caller, and what caused it. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * An error of which only `message` may be logged: `detail` is for the caller, who sent what is in it (a policy prints environment variables).
 */
export class CallerError extends DomainError {
  readonly detail: string;

  constructor(code: ErrorCode, message: string, detail: string) {
    super(code, message);
    this.detail = detail;
  }
}

/** The caller was told that its time is over, but the work goes on: `settled` resolves when it ended, or was undone after it came too late. */
export class AbandonedError extends DomainError {
  readonly settled: Promise<void>;

  constructor(message: string, settled: Promise<void>) {
    super('deadline_exceeded', message);
    this.settled = settled;
  }
}

/** What an error says is still going on, itself or among its causes. */
export function abandonedWork(error: unknown): Promise<void> | undefined {
  let current = error;
  while (current instanceof Error) {
    if (current instanceof AbandonedError) return current.settled;
    current = current.cause;
  }
  return undefined;
}

/** Whatever was thrown or given as a reason, as an Error to reject with. */
export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** `invalid_argument` naming the field and the reason, e.g. `process.cwd: must be absolute`. */
export function invalidArgument(field: string, reason: string): DomainError {
  return new DomainError('invalid_argument', `${field}: ${reason}`);
}

/** Wraps `cause` with the noun of the current layer ("container c1", "mount proc on /proc"). Keeps the code of a DomainError. */
export function wrapError(what: string, cause: unknown): DomainError {
  return new DomainError(cause instanceof DomainError ? cause.code : 'internal', what, cause);
}

/**
 * One line for a caller: the message and those of its causes joined by `: `. Takes anything that can be thrown
 * (the engine throws `null` when it is out of memory).
 */
export function describeError(error: unknown): string {
  if (error === null) return 'out of memory';
  if (!(error instanceof Error)) return String(error);
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 16 && current !== undefined; depth++) {
    // Node 20, where the unit tests and the host side run, has no SuppressedError.
    if (typeof SuppressedError !== 'undefined' && current instanceof SuppressedError) {
      parts.push(`${describeError(current.suppressed)} (then, while cleaning up: ${describeError(current.error)})`);
      break;
    }
    if (current instanceof AggregateError) {
      parts.push([current.message, ...current.errors.map(describeError)].filter((part) => part !== '').join('; '));
      break;
    }
    if (current instanceof Error) {
      parts.push(current instanceof SysError || current.message !== '' ? current.message : current.name);
      current = current.cause;
    } else {
      parts.push(describeError(current));
      break;
    }
  }
  return parts.join(': ');
}
