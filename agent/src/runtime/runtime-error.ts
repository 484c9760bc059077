import { DomainError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';

/**
 * The texts that callers of an OCI runtime match on: containerd's go-runc and shim, podman. They are runc's words, letter by
 * letter; what comes after them is for people.
 */
const texts = {
  'no such container': ['not_found', 'container does not exist'],
  'id in use': ['already_exists', 'container with given ID already exists'],
  'bad id': ['invalid_argument', 'invalid container ID format'],
  'not running': ['failed_precondition', 'container not running'],
  'still running': ['failed_precondition', 'container still running'],
  paused: ['failed_precondition', 'container paused'],
  'not paused': ['failed_precondition', 'container not paused'],
} as const satisfies Readonly<Record<string, readonly [ErrorCode, string]>>;

/** An error that callers know by its text. `detail` follows after a colon. */
export function runtimeError(kind: keyof typeof texts, detail = '', cause?: unknown): DomainError {
  const [code, text] = texts[kind];
  return new DomainError(code, detail === '' ? text : `${text}: ${detail}`, cause);
}
