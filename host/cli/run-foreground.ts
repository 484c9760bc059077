import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever } from '../../agent/src/base/assert-never.ts';
import { EXIT_TIMED_OUT } from '../sdk/exit-status.ts';
import type { SandboxOptions } from '../sdk/sandbox-options.ts';
import { Sandbox } from '../sdk/sandbox.ts';
import { attachStreams, EXIT_BROKEN_PIPE } from './attach-streams.ts';
import { Interruption, type InterruptedError } from './interruption.ts';
import type { RunFlags } from './run-options.ts';
import { describeAccelerator, formatMs, say } from './say.ts';
import { RawTerminal } from './terminal.ts';

/** How long a container may take to end after our first ctrl-C or SIGTERM, in ms. */
const SIGNAL_GRACE_MS = 5000;

/** After a kill, output still arrives for this long at most. */
const OUTPUT_TAIL_MS = 2000;

/** How long the reason for a broken connection may lag behind it. */
const FAILURE_TAIL_MS = 500;

/** How the run came to its end. */
type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'interrupted'; readonly error: InterruptedError };

/**
 * Boots, runs, copies the streams and cleans up. However it ends, by exit, signal, time limit or failure, VM, mounts and
 * files are gone when this returns.
 *
 * @returns the exit code for the shell
 */
export async function runForeground(options: SandboxOptions, flags: RunFlags): Promise<number> {
  using interruption = new Interruption();
  const { signal } = interruption;
  await using box = await Sandbox.create(options, {
    signal,
    isStarted: false,
    onAccelerator: (accelerator) => {
      if (flags.quiet !== true && accelerator.kind === 'tcg') say(describeAccelerator(accelerator));
    },
    onPhase: (phase, ms) => {
      if (flags.verbose === true) say(`${phase} ${formatMs(ms)}`);
    },
  });
  const process_ = box.container.initProcess;
  using terminal = flags.tty === true ? new RawTerminal() : undefined;
  await terminal?.follow(process_);
  await box.container.start();
  interruption.forward((name) => void process_.signal(constants.signals[name]).catch(() => undefined), SIGNAL_GRACE_MS);
  const attachment = attachStreams(process_, { isInteractive: flags.interactive === true });
  const exited = attachment.copied.then(({ isPipeBroken }) => (isPipeBroken ? EXIT_BROKEN_PIPE : process_.wait()));
  const ending = await firstOf(exited, flags.timeout, signal, box.vm.failure);
  attachment.detach();
  switch (ending.kind) {
    case 'exited':
      return ending.exitCode;
    case 'timed-out':
      await box.container.kill().catch(() => undefined);
      // What it wrote before its end is still on its way.
      await Promise.race([exited.catch(() => undefined), sleep(OUTPUT_TAIL_MS)]);
      return EXIT_TIMED_OUT;
    case 'interrupted':
      return ending.error.exitCode;
    default:
      return assertNever(ending);
  }
}

async function firstOf(
  exited: Promise<number>,
  timeoutMs: number | undefined,
  signal: AbortSignal,
  failure: Promise<never>,
): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: () => void = () => undefined;
  const ended = new Promise<Ending>((resolve) => {
    onAbort = () => resolve({ kind: 'interrupted', error: signal.reason as InterruptedError });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    if (timeoutMs !== undefined) timer = setTimeout(() => resolve({ kind: 'timed-out' }), timeoutMs);
  });
  try {
    // A broken connection is only the symptom when the VM itself has died: its own failure says why.
    const outcome = exited.then(
      (exitCode) => ({ kind: 'exited', exitCode }) as const,
      async (error: unknown) => await Promise.race([failure, sleep(FAILURE_TAIL_MS).then(() => Promise.reject(error))]),
    );
    return await Promise.race([outcome, failure, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
