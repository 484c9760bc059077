import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { assertNever } from '../../agent/src/base/assert-never.ts';
import { EXIT_FAILURE } from '../sdk/exit-status.ts';
import type { SandboxOptions } from '../sdk/sandbox-options.ts';
import { HostError } from '../vm/host-error.ts';
import { Interruption, type InterruptedError } from './interruption.ts';
import type { RunFlags } from './run-options.ts';
import { describeAccelerator, formatMs, say } from './say.ts';
import { SUPERVISE_COMMAND, type SupervisorReport, type SupervisorRequest } from './supervisor-protocol.ts';

/**
 * Starts a supervisor, a process of its own session that owns the VM, and waits until the container runs or it says why
 * not. Interrupted before that, it ends the supervisor and waits until that has cleaned up.
 *
 * @returns the exit code for the shell; the name is on standard output
 */
export async function runDetached(options: SandboxOptions, flags: RunFlags): Promise<number> {
  using interruption = new Interruption();
  const self = process.argv[1];
  if (self === undefined) throw new HostError('kihon does not know its own path');
  const child = spawn(process.execPath, [...process.execArgv, self, SUPERVISE_COMMAND], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const request: SupervisorRequest = { options, timeoutMs: flags.timeout };
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(request));
  const onAbort = (): void => void child.kill('SIGTERM');
  interruption.signal.addEventListener('abort', onAbort);
  const reports = child.stdio[3] as Readable;
  for await (const line of createInterface({ input: reports })) {
    const report = JSON.parse(line) as SupervisorReport;
    switch (report.kind) {
      case 'accelerator':
        if (flags.quiet !== true && report.accelerator.kind === 'tcg') say(describeAccelerator(report.accelerator));
        break;
      case 'phase':
        if (flags.verbose === true) say(`${report.phase} ${formatMs(report.ms)}`);
        break;
      case 'started':
        if (interruption.signal.aborted) break;
        process.stdout.write(flags.json === true ? `${JSON.stringify({ name: report.name })}\n` : `${report.name}\n`);
        reports.destroy();
        child.unref();
        return 0;
      case 'failed':
        await exited;
        if (interruption.signal.aborted) return (interruption.signal.reason as InterruptedError).exitCode;
        say(report.message);
        return EXIT_FAILURE;
      default:
        assertNever(report);
    }
  }
  await exited;
  if (interruption.signal.aborted) return (interruption.signal.reason as InterruptedError).exitCode;
  throw new HostError('the supervisor ended without a word');
}
