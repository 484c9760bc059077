import { DomainError } from '../../base/errors.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { SysError } from '../../base/sys-error.ts';
import type { LaunchFailure } from './handshake.ts';

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_argument',
  'failed_precondition',
  'not_found',
  'permission_denied',
  'resource_exhausted',
  'unimplemented',
  'internal',
]);

/** Causes deeper than this add nothing. */
const maxDepth = 8;

/** Everything worth telling about an error thrown in the new process, in plain data. */
export function describeFailure(step: string, error: unknown): LaunchFailure {
  const chain: string[] = [];
  let code: string = 'internal';
  let call: SysError | undefined;
  let current: unknown = error;
  for (let depth = 0; depth < maxDepth && current !== undefined; depth++) {
    if (current instanceof DomainError && depth === 0) code = current.code;
    if (current instanceof SysError) call = current;
    chain.push(current === null ? 'out of memory' : current instanceof Error ? current.message : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  if (call === undefined) return { step, chain, code };
  return { step, chain, code, call: call.call, errno: call.errno, errnoName: call.code, subject: call.subject };
}

/** A launch that failed in the new process, with what it told. The message names step, path and errno. */
export class LaunchError extends DomainError {
  readonly failure: LaunchFailure;

  constructor(failure: LaunchFailure) {
    const code = codes.has(failure.code) ? (failure.code as ErrorCode) : 'internal';
    super(code, [failure.step, ...failure.chain].filter((part) => part !== '').join(': '));
    this.failure = failure;
  }
}
