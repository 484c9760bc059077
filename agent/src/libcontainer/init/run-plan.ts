/**
 * The child's half of a launch: straight-line and synchronous from the first descriptor to execve. The agent's child runs it in a
 * program of its own (`entry/init.ts`), so nothing of the agent's memory is within reach of the container; the command line's child,
 * whose parent knows of this container only, goes on in place.
 */
import { failpoint } from '../../base/failpoint.ts';
import { SysError } from '../../base/sys-error.ts';
import { decodeBytes } from '../../base/text.ts';
import { Fd } from '../../sys/fd.ts';
import { duplicate, duplicateTo } from '../../sys/descriptor.ts';
import { readFdToEnd } from '../../sys/file.ts';
import {
  closeRange,
  prepareExecve,
  exit,
  resetSignalDispositions,
  setDumpable,
  setProcessName,
  setSignalMask,
  umask,
} from '../../sys/process.ts';
import { sendMessage } from '../../sys/socket.ts';
import { environmentValue } from '../plan/environment.ts';
import { encodeMessage } from '../plan/handshake.ts';
import { planDescriptor, syncDescriptor } from '../plan/inherited-descriptors.ts';
import { describeFailure } from '../plan/launch-failure.ts';
import { describeStep } from '../plan/launch-plan.ts';
import type { CompleteLaunchPlan, LaunchPlan, Program, Step } from '../plan/launch-plan.ts';
import { openGuestDevpts } from '../rootfs/terminal.ts';
import { findExecutable } from './executable.ts';
import { exitLaunchFailed } from '../state/hear-parent.ts';
import { homeDirectory } from './home-directory.ts';
import { applySoftLimits } from './identity-steps.ts';
import { InitState, requireRoot } from './init-state.ts';
import { performStep } from './perform-step.ts';
import { runHookBatch } from './run-hook-batch.ts';
import { openGate, waitForStart } from './wait-for-start.ts';

/** Replaced by the bundler, as in base/failpoint.ts. */
declare const __FAILPOINTS__: boolean;

/** A plan is mostly the environment, which execve bounds anyway. */
const maxPlanBytes = 16 << 20;
function readPlan(): CompleteLaunchPlan {
  // Closed at once: it holds the environment.
  using file = new Fd(planDescriptor, 'launch plan');
  return JSON.parse(decodeBytes(readFdToEnd(file, maxPlanBytes))) as CompleteLaunchPlan;
}

/** What is being done: a step of the plan, or what it is called. Put into words when it fails. */
type Doing = Step | string;
type Report = (doing: Doing) => void;

function perform(state: InitState, steps: readonly Step[], onStep: Report): void {
  for (const step of steps) {
    onStep(step);
    if (typeof __FAILPOINTS__ !== 'undefined' && __FAILPOINTS__) failpoint(`init.${step.do}`);
    performStep(state, step);
  }
}

/** Does everything that may fail with a report. Gives what to execute. */
function prepare(plan: LaunchPlan, state: InitState, onStep: Report): Program & { path: string } {
  perform(state, plan.steps, onStep);
  const { program } = plan;
  onStep('environment');
  const hasHome = environmentValue(program.env, 'HOME') !== undefined;
  const env = hasHome
    ? program.env
    : [...program.env, `HOME=${homeDirectory(requireRoot(state), state.user?.uid ?? program.uid)}`];
  onStep('');
  return { ...program, env, path: findExecutable(program.args[0] ?? '', env) };
}

/** First descriptor that no program gets unless it is asked for. */
const firstOther = 3;

/**
 * Puts the descriptors that the program is to have behind stdio and closes the others, for real and not by close-on-exec: the
 * program's own path could name one (EXE-04). A channel that still has to report stays up to execve; a socket cannot be opened
 * by its path.
 */
function arrangeDescriptors(preserved: readonly number[], answer: Fd | undefined): Fd | undefined {
  const end = firstOther + preserved.length;
  let channel = answer;
  if (answer !== undefined && preserved.length > 0) channel = duplicate(answer, Math.max(end, ...preserved) + 1);
  // They stand in order above their new numbers, so none is overwritten before it was moved.
  preserved.forEach((number, index) => duplicateTo(number, firstOther + index));
  if (channel !== undefined) duplicateTo(channel, end, true);
  closeRange(channel === undefined ? end : end + 1, 0xffffffff);
  return channel === undefined ? undefined : new Fd(end, channel.what);
}

/** With nobody to tell, failure is the exit code, as the agent's hosts know it (errno of execve). */
function execute(
  plan: CompleteLaunchPlan,
  state: InitState,
  answer: Fd | undefined,
  program: Program & { path: string },
): never {
  let channel = answer;
  let step: Doing = 'execute the program';
  try {
    failpoint('init.execute');
    channel = arrangeDescriptors(plan.preserved, answer);
    applySoftLimits(state);
    setSignalMask(0n);
    const run: () => never = prepareExecve(program.path, program.args, program.env);
    if (channel !== undefined) sendMessage(channel, encodeMessage({ type: 'executing' }));
    // A filter is on from here: every further call would have to be in everybody's profile.
    perform(state, plan.lateSteps, (name) => (step = name));
    step = '';
    run();
  } catch (error) {
    try {
      if (channel !== undefined) report(channel, step, error, []);
    } finally {
      exit(channel === undefined && error instanceof SysError ? error.errno : exitLaunchFailed);
    }
  }
}

function report(channel: Fd, doing: Doing, error: unknown, created: readonly string[]): void {
  const step = typeof doing === 'string' ? doing : describeStep(doing);
  sendMessage(channel, encodeMessage({ type: 'failed', failure: describeFailure(step, error), created }));
}

/** Carries out a plan and becomes the container's process. Never returns. */
function runPlan(plan: CompleteLaunchPlan, sync: Fd): never {
  let state: InitState | undefined;
  let channel = sync;
  let step: Doing = 'start the container process';
  try {
    failpoint('init.start');
    const hasTerminal = plan.steps.some((entry) => entry.do === 'terminal');
    state = new InitState(sync, hasTerminal ? openGuestDevpts() : undefined);
    const program = prepare(plan, state, (name) => (step = name));
    openGate(plan.gate);
    failpoint('init.ready');
    sendMessage(sync, encodeMessage({ type: 'ready', created: state.root?.created ?? [] }));
    channel = waitForStart(sync, plan.gate);
    const { startHooks } = plan;
    if (startHooks !== undefined) {
      step = '';
      runHookBatch(startHooks, (text) => state?.note(text));
    }
    const answers = plan.gate.kind === 'socket' || plan.gate.answers;
    execute(plan, state, answers ? channel : undefined, program);
  } catch (error) {
    try {
      report(channel, step, error, state?.root?.created ?? []);
    } finally {
      exit(exitLaunchFailed);
    }
  }
}

/** The child of the agent, which finds its plan in a descriptor. */
export function runLaunchPlan(): never {
  // Not the zygote's, nor the number of a descriptor.
  setProcessName('kihon-init');
  // The exec of this program made it dumpable again (EXE-05).
  setDumpable(false);
  umask(0);
  const sync = new Fd(syncDescriptor, 'sync socket');
  let plan: CompleteLaunchPlan;
  try {
    plan = readPlan();
  } catch (error) {
    try {
      report(sync, 'read the launch plan', error, []);
    } finally {
      exit(exitLaunchFailed);
    }
  }
  runPlan(plan, sync);
}

/**
 * A child that goes on in place: `LaunchContext.child.run`. Its descriptors are there (launch/spawn.ts), and its plan is in one of
 * them when it was not given.
 */
export function runInline(plan: CompleteLaunchPlan | undefined): never {
  if (plan === undefined) return runLaunchPlan();
  setDumpable(plan.isDumpable);
  umask(0);
  resetSignalDispositions();
  runPlan(plan, new Fd(syncDescriptor, 'sync socket'));
}
