import * as status from '../codec/ttrpc/status-code.ts';
import { CallerError, DomainError, describeError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { SysError } from '../base/sys-error.ts';

/**
 * The one table from our errors to ttrpc codes. `failed_precondition` becomes INTERNAL: that is what hosts get for a call in the
 * wrong state (lifecycle 4.4), and the text says which state it was.
 */
const codes: Readonly<Record<ErrorCode, number>> = {
  cancelled: status.CANCELLED,
  unknown: status.UNKNOWN,
  invalid_argument: status.INVALID_ARGUMENT,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.INTERNAL,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
};

/** Longest text of a status; a hostile path or argument may be in it. */
const MAX_TEXT = 4096;

/** The engine throws an InternalError when it runs out of memory, and null when there is not even room for that. */
function isOutOfMemory(error: unknown): boolean {
  return (
    error === null || (error instanceof Error && error.name === 'InternalError' && error.message === 'out of memory')
  );
}

/** Code and text for a caller. Never a stack trace. */
export function statusOf(error: unknown): { readonly code: number; readonly message: string } {
  const text = error instanceof CallerError ? `${error.message}: ${error.detail}` : describeError(error);
  const message = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
  if (isOutOfMemory(error)) return { code: status.RESOURCE_EXHAUSTED, message };
  if (error instanceof DomainError) return { code: codes[error.code], message };
  // What the Go shim takes for "already gone" (host-runtime 3.9).
  if (error instanceof SysError && error.code === 'ESRCH')
    return { code: status.NOT_FOUND, message: `${message}: ESRCH: No such process` };
  return { code: status.INTERNAL, message };
}
