import { createWriteStream } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_FAILURE, EXIT_TIMED_OUT } from '../sdk/exit-status.ts';
import { Sandbox } from '../sdk/sandbox.ts';
import { describeHostError } from '../vm/host-error.ts';
import { ContainerLog } from './container-log.ts';
import { InterruptedError, Interruption } from './interruption.ts';
import { REPORT_FD, type SupervisorReport, type SupervisorRequest } from './supervisor-protocol.ts';

/** How long a container may take to end after SIGTERM before the sandbox is ended without it, in ms. */
const STOP_GRACE_MS = 10_000;

/** How long the last output may take to arrive after that. */
const OUTPUT_TAIL_MS = 2000;

/**
 * The body of a detached sandbox's own process: boots it, logs what the container writes, ends everything when the
 * container ends or somebody sends SIGTERM, and leaves a record with the exit code.
 */
export async function supervise(): Promise<number> {
  const request = JSON.parse(await text(process.stdin)) as SupervisorRequest;
  const reports = createWriteStream('', { fd: REPORT_FD });
  using interruption = new Interruption();
  let isStarted = false;
  reports.on('error', () => {
    // Nobody is there to hear that it started, so nobody would know its name: start nothing.
    if (!isStarted) process.kill(process.pid, 'SIGTERM');
  });
  const report = (message: SupervisorReport): void => void reports.write(`${JSON.stringify(message)}\n`);

  let box: Sandbox;
  try {
    box = await Sandbox.create(request.options, {
      signal: interruption.signal,
      isStarted: false,
      onAccelerator: (accelerator) => report({ kind: 'accelerator', accelerator }),
      onPhase: (phase, ms) => report({ kind: 'phase', phase, ms }),
    });
  } catch (error) {
    report({ kind: 'failed', message: describeHostError(error) });
    await new Promise((resolve) => reports.end(resolve));
    return error instanceof InterruptedError ? error.exitCode : EXIT_FAILURE;
  }

  using log = new ContainerLog(join(box.entry.directory, 'container.log'));
  const process_ = box.container.initProcess;
  let exitCode = EXIT_FAILURE;
  try {
    process_.stdout.on('data', (chunk: Buffer) => log.append('stdout', chunk));
    process_.stderr?.on('data', (chunk: Buffer) => log.append('stderr', chunk));
    await box.container.start();
    // Without a terminal the first process finds its input closed, like one started in the background by a shell.
    if (request.options.hasTerminal !== true) process_.stdin.end();
    interruption.forward((name) => void process_.signal(constants.signals[name]).catch(() => undefined), STOP_GRACE_MS);
    isStarted = true;
    report({ kind: 'started', name: box.name });
    reports.end();
    exitCode = await waitForEnd(box, process_.wait(), request.timeoutMs, interruption.signal);
  } catch (error) {
    if (isStarted) log.append('stderr', Buffer.from(`kihon: ${describeHostError(error)}\n`));
    else report({ kind: 'failed', message: describeHostError(error) });
  }
  if (isStarted) await box.closeKeepingRecord(exitCode);
  else await box.close();
  return exitCode;
}

async function waitForEnd(
  box: Sandbox,
  exited: Promise<number>,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<number> {
  exited.catch(() => undefined);
  const aborted = new Promise<number>((resolve) => {
    const onAbort = (): void => resolve((signal.reason as InterruptedError).exitCode);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  const timer = new AbortController();
  const timedOut =
    timeoutMs === undefined
      ? new Promise<never>(() => undefined)
      : sleep(timeoutMs, undefined, { signal: timer.signal, ref: false }).then(async () => {
          await box.container.kill().catch(() => undefined);
          await Promise.race([exited.catch(() => undefined), sleep(OUTPUT_TAIL_MS)]);
          return EXIT_TIMED_OUT;
        });
  timedOut.catch(() => undefined);
  try {
    return await Promise.race([exited, aborted, timedOut, box.vm.failure]);
  } finally {
    timer.abort();
  }
}
