import { DomainError, describeError, wrapError } from '../../base/errors.ts';
import { decodeBytes, encodeBytes } from '../../base/text.ts';
import { runBlocking } from '../../sys/blocking-command.ts';
import { getpid } from '../../sys/process.ts';
import { hookStateText } from '../plan/compile-hooks.ts';
import type { HookBatch, HookRun } from '../plan/launch-plan.ts';

/** What a hook says is for an error text or the log; more is read and thrown away (EXE-10). */
const maxOutputBytes = 800;

function runHook(hook: HookRun, batch: HookBatch, state: Uint8Array): void {
  const { status, output } = runBlocking({
    path: hook.path,
    argv: hook.argv,
    env: hook.env,
    cwd: batch.cwd,
    stdin: state,
    maxOutputBytes,
    deadlineMs: hook.timeoutMs > 0 ? hook.timeoutMs : Infinity,
  });
  if (status.kind === 'exited' && status.code === 0) return;
  const how = status.kind === 'exited' ? `exited with ${status.code}` : `was killed by signal ${status.signal}`;
  const text = decodeBytes(output).trim();
  throw new DomainError('internal', `${hook.path} ${how}${text === '' ? '' : `: ${text}`}`);
}

/** Runs hooks from here, one after the other. The first failure is thrown, or all are noted, as the batch says. */
export function runHookBatch(batch: HookBatch, note: (text: string) => void): void {
  const state = encodeBytes(hookStateText(batch.state, batch.status, getpid()));
  for (const [index, hook] of batch.hooks.entries()) {
    const what = `hooks.${batch.point}[${index}]`;
    try {
      runHook(hook, batch, state);
    } catch (error) {
      if (batch.failures === 'fatal') throw wrapError(what, error);
      note(`hook failed: ${what}: ${describeError(error)}`);
    }
  }
}
