import { SIGKILL } from '../../abi/constants.ts';
import { armFailpoint, rememberFailpoints } from '../../base/failpoint.ts';
import { exists } from '../../sys/file.ts';
import { exit, getpid, kill } from '../../sys/process.ts';
import { abortEngine, environmentValue } from '../../sys/program.ts';

declare const __FAILPOINTS__: boolean;

/**
 * Arms the failpoints of a test build from KIHON_FAILPOINTS, `name=action,...`: `throw`, `reject` (later, with nobody to catch
 * it), `oom`, `abort`, `kill` (SIGKILL to this process), or `pause:PATH` (until the file exists).
 * A release has neither them nor this function's body.
 */
export function armFailpoints(): void {
  if (typeof __FAILPOINTS__ === 'undefined' || !__FAILPOINTS__) return;
  const text = environmentValue('KIHON_FAILPOINTS') ?? '';
  rememberFailpoints(text);
  for (const entry of text.split(',').filter((part) => part !== '')) {
    const [name = '', action = ''] = entry.split('=');
    armFailpoint(name, () => run(name, action));
  }
}

function run(name: string, action: string): void {
  if (action === 'throw') throw new Error(`failpoint ${name}`);
  if (action === 'reject') void Promise.reject(new Error(`failpoint ${name}`));
  if (action === 'oom') {
    // Kept reachable, so that nothing can be collected and the engine's limit is really hit.
    const hoard: Uint8Array[] = [];
    for (;;) hoard.push(new Uint8Array(1 << 20));
  }
  if (action === 'abort') abortEngine();
  if (action === 'kill') {
    kill(getpid(), SIGKILL);
    // The first process of a pid namespace is not killed from within.
    exit(128 + SIGKILL);
  }
  if (action.startsWith('pause:')) while (!exists(action.slice('pause:'.length)));
}
