/**
 * The child's half of a launch: straight-line and synchronous from the first descriptor to execve. It runs in a program of
 * its own (`entry/init.ts`), so nothing of the agent's memory is within reach of the container.
 */
import { failpoint } from '../../base/failpoint.ts';
import { SysError } from '../../base/sys-error.ts';
import { decodeBytes } from '../../base/text.ts';
import { Fd } from '../../sys/fd.ts';
import { readFdToEnd } from '../../sys/file.ts';
import { closeRange, execve, exit, setDumpable, setSignalMask, umask } from '../../sys/process.ts';
import { receiveMessage, sendMessage } from '../../sys/socket.ts';
import { environmentValue } from '../plan/environment.ts';
import { encodeMessage, isStartMessage } from '../plan/handshake.ts';
import { planDescriptor, syncDescriptor } from '../plan/inherited-descriptors.ts';
import { describeFailure } from '../plan/launch-failure.ts';
import { describeStep } from '../plan/launch-plan.ts';
import type { LaunchPlan, Program } from '../plan/launch-plan.ts';
import { openGuestDevpts } from '../rootfs/terminal.ts';
import { findExecutable } from './executable.ts';
import { homeDirectory } from './home-directory.ts';
import { applySoftLimits } from './identity-steps.ts';
import { requireRoot } from './init-state.ts';
import type { InitState } from './init-state.ts';
import { performStep } from './perform-step.ts';

/** A plan is mostly the environment, which execve bounds anyway. */
const maxPlanBytes = 16 << 20;
/** Exit code when the launch failed before execve; the reason went over the sync socket. */
const exitLaunchFailed = 125;

function readPlan(): LaunchPlan {
  // Closed at once: it holds the environment.
  using file = new Fd(planDescriptor, 'launch plan');
  return JSON.parse(decodeBytes(readFdToEnd(file, maxPlanBytes))) as LaunchPlan;
}

/** Does everything that may fail with a report. Gives what to execute. */
function prepare(plan: LaunchPlan, state: InitState, onStep: (step: string) => void): Program & { path: string } {
  for (const step of plan.steps) {
    onStep(describeStep(step));
    performStep(state, step);
  }
  const { program } = plan;
  onStep('environment');
  const hasHome = environmentValue(program.env, 'HOME') !== undefined;
  const env = hasHome ? program.env : [...program.env, `HOME=${homeDirectory(requireRoot(state), program.uid)}`];
  onStep('');
  return { ...program, env, path: findExecutable(program.args[0] ?? '', env) };
}

/** The only message that comes from the agent is short; a large buffer would cost pages of every container. */
const maxStartBytes = 256;

/** Waits for the start message; the end of the stream means that the agent gave the launch up. */
function waitForStart(sync: Fd): void {
  for (;;) {
    const message = receiveMessage(sync, maxStartBytes);
    if (message === undefined) continue;
    if (message.bytes.length === 0) exit(exitLaunchFailed);
    if (isStartMessage(message.bytes)) return;
  }
}

/** From here on there is nobody to tell: failure is the exit code, as hosts know it (errno of execve). */
function execute(state: InitState, program: Program & { path: string }): never {
  try {
    failpoint('init.execute');
    // For real, not by close-on-exec: the program's own path could name a descriptor (EXE-04).
    closeRange(3, 0xffffffff);
    // Dispositions are the defaults already: the agent reset them when it started, and handles nothing.
    setSignalMask(0n);
    applySoftLimits(state);
    execve(program.path, program.args, program.env);
  } catch (error) {
    exit(error instanceof SysError ? error.errno : exitLaunchFailed);
  }
}

/** Becomes the container's process. Never returns. */
export function runLaunchPlan(): never {
  // The exec of this program made it dumpable again (EXE-05).
  setDumpable(false);
  umask(0);
  const sync = new Fd(syncDescriptor, 'sync socket');
  let state: InitState | undefined;
  let step = 'read the launch plan';
  try {
    const plan = readPlan();
    failpoint('init.start');
    const hasTerminal = plan.steps.some((entry) => entry.do === 'terminal');
    const guestDevpts = hasTerminal ? openGuestDevpts() : undefined;
    state = { sync, guestDevpts, root: undefined, softLimits: [] };
    const program = prepare(plan, state, (name) => (step = name));
    failpoint('init.ready');
    sendMessage(sync, encodeMessage({ type: 'ready', created: state.root?.created ?? [] }));
    waitForStart(sync);
    execute(state, program);
  } catch (error) {
    try {
      const failure = describeFailure(step, error);
      sendMessage(sync, encodeMessage({ type: 'failed', failure, created: state?.root?.created ?? [] }));
    } finally {
      exit(exitLaunchFailed);
    }
  }
}
