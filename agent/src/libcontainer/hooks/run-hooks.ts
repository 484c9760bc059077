import type { AbortSignal } from '../../base/abort.ts';
import { DomainError, describeError, wrapError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { decodeBytes, encodeBytes } from '../../base/text.ts';
import type { Spec } from '../../oci/spec.ts';
import { runCommand } from '../../sys/command.ts';
import type { OffloadContext } from '../../sys/offload.ts';
import type { ExitStatus } from '../../sys/reaper.ts';
import { compileHook, hookState, hookStateText } from '../plan/compile-hooks.ts';
import type { HookPlace, HookPoint, HookRules } from '../plan/compile-hooks.ts';
import type { HookRun } from '../plan/launch-plan.ts';

/** What a hook says is for the log; more is read and thrown away (EXE-10). */
const maxOutputBytes = 4096;

export interface HookContext extends OffloadContext {
  readonly log: Logger;
  readonly rules: { readonly hooks: HookRules };
}

export function describeStatus(status: ExitStatus): string {
  return status.kind === 'exited' ? `exited with ${status.code}` : `was killed by signal ${status.signal}`;
}

async function runHook(
  context: HookContext,
  what: string,
  hook: HookRun,
  state: string,
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { status, stdout, stderr } = await runCommand(context, {
    path: hook.path,
    argv: hook.argv,
    env: hook.env,
    cwd,
    stdin: encodeBytes(state),
    maxOutputBytes,
    deadlineMs: hook.timeoutMs > 0 ? hook.timeoutMs : Infinity,
    ...(signal === undefined ? {} : { signal }),
  });
  const text = decodeBytes(stderr.length > 0 ? stderr : stdout).trim();
  if (status.kind === 'exited' && status.code === 0) {
    if (text !== '') context.log.debug(`${what}: ${text}`);
    return;
  }
  throw new DomainError('internal', `${hook.path} ${describeStatus(status)}${text === '' ? '' : `: ${text}`}`);
}

export interface HookRequest extends HookPlace {
  readonly pid: number;
  /** Default: what the rules say for the point. */
  readonly status?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs the hooks of a point in the runtime's own namespaces, one after the other. The first failure is
 * thrown when the rules say so, but never at poststop; otherwise failures are logged and the next hook runs.
 */
export async function runHooks(
  context: HookContext,
  spec: Spec,
  point: HookPoint,
  request: HookRequest,
): Promise<void> {
  const hooks = spec.hooks[point];
  if (hooks.length === 0) return;
  const { log } = context;
  const rules = context.rules.hooks;
  const isFatal = rules.failures === 'fatal' && point !== 'poststop';
  const state = hookStateText(hookState(spec, request), request.status ?? rules.statuses[point], request.pid);
  for (const [index, hook] of hooks.entries()) {
    const what = `hooks.${point}[${index}]`;
    try {
      await runHook(context, what, compileHook(hook, rules), state, request.bundle, request.signal);
    } catch (error) {
      // Given up by the caller: nothing more is to be run for it.
      if (isFatal || request.signal?.aborted === true) throw wrapError(what, error);
      log.error(`hook failed: ${what}: ${describeError(error)}`);
    }
  }
}
