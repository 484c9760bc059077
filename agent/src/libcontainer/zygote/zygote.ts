import { CLOSE_RANGE_CLOEXEC, O_RDWR, SIGKILL } from '../../abi/constants.ts';
import { errnoName } from '../../abi/errno.ts';
import { initEnvironment } from '../../base/failpoint.ts';
import { describeError, DomainError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isSysError, SysError } from '../../base/sys-error.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicate, duplicateTo } from '../../sys/descriptor.ts';
import { open } from '../../sys/file.ts';
import { blockUntilReadable } from '../../sys/poll.ts';
import { clone3, closeRange, execveat, exit, kill, pidfdOpen } from '../../sys/process.ts';
import { giveUpProtection } from '../../sys/oom-score.ts';
import type { Reaper } from '../../sys/reaper.ts';
import { receiveMessage, sendMessage, socketPair } from '../../sys/socket.ts';
import type { ReceivedMessage } from '../../sys/socket.ts';
import { MakerGone } from '../launch/maker-gone.ts';
import { executeDescriptor, openSelfExecutable } from '../launch/self-executable.ts';
import type { ProcessMaker, ProcessRequest, SpawnedChild } from '../types.ts';
import { decodeZygoteAnswer, encodeZygoteMessage, maxZygoteBytes, maxZygoteDescriptors } from './zygote-message.ts';

/** A clone takes a millisecond; a zygote that takes this long is stuck, and the agent must not wait for it. */
const answerMs = 2000;
const exitExecFailed = 125;

/** The zygote's process as the agent sees it. */
interface Running {
  readonly channel: Fd;
  /** Its own until the reaper has seen the end. */
  readonly pid: number;
}

function becomeZygote(selfExecutable: Fd, channel: Fd): never {
  try {
    // What it makes inherits this, and must be killable from its first moment (LIV-02).
    giveUpProtection();
    const blank = open('/dev/null', O_RDWR);
    const executable = duplicate(selfExecutable, 10);
    const moved = duplicate(channel, 10);
    for (const number of [0, 1]) duplicateTo(blank, number);
    duplicateTo(moved, 3);
    closeRange(4, 0xffffffff, CLOSE_RANGE_CLOEXEC);
    execveat(executable, '', ['kihon-init', 'zygote'], initEnvironment(), executeDescriptor);
  } finally {
    exit(exitExecFailed);
  }
}

/**
 * A process of ours that makes the others (design, "Launching a container"). Forking the agent would make it copy the pages it
 * writes to afterwards, and each new process would execute and start the engine; the zygote is small and has started already. The
 * new process is the agent's own child all the same. Without a zygote, or when it does not serve, launches go on the other way.
 */
export class Zygote implements ProcessMaker {
  readonly #reaper: Reaper;
  readonly #log: Logger;
  #running: Running | undefined;

  constructor(context: { readonly reaper: Reaper; readonly log: Logger }) {
    this.#reaper = context.reaper;
    this.#log = context.log;
  }

  /** Starts it unless it runs. A failure is logged: a launch does without. */
  start(): void {
    if (this.#running !== undefined) return;
    try {
      const [channel, theirs] = socketPair('seqpacket');
      using _theirs = theirs;
      // A mount of its own, with no descriptor left after the exec: it is then in no mount namespace at all, and nobody can make it
      // writable again, as CAP_SYS_ADMIN could on newer kernels (EXE-01).
      using executable = openSelfExecutable();
      const child = clone3({ flags: 0 });
      if (child === 'child') becomeZygote(executable, theirs);
      child.pidfd.close();
      const running = { channel, pid: child.pid };
      this.#running = running;
      this.#reaper.onExit(child.pid, () => this.#forget(running));
    } catch (error) {
      if (!isSysError(error)) throw error;
      this.#log.warn('zygote not started', { error: describeError(error) });
    }
  }

  /** Process number, for those who look at the agent's children; undefined while there is none. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  make(request: ProcessRequest): SpawnedChild | undefined {
    const running = this.#running;
    if (running === undefined) {
      // For the next one: this launch does not wait.
      this.start();
      return undefined;
    }
    const { cgroup, pidNamespace, firstStage, descriptors, cloneFlags, isDumpable } = request;
    const used = [cgroup, pidNamespace, ...firstStage.map(({ source }) => source)].filter((fd) => fd !== undefined);
    if (descriptors.length + used.length > maxZygoteDescriptors) return undefined;
    const message = encodeZygoteMessage({
      cloneFlags,
      isDumpable,
      own: descriptors.length,
      hasCgroup: cgroup !== undefined,
      hasPidNamespace: pidNamespace !== undefined,
      firstStage: firstStage.map(({ flag }) => flag),
    });
    try {
      sendMessage(running.channel, message, [...descriptors, ...used]);
    } catch (error) {
      // EPIPE: it is gone. ETOOMANYREFS, EMFILE: descriptors are scarce, and the other way needs fewer.
      if (!isSysError(error)) throw error;
      if (isSysError(error, 'EPIPE', 'ECONNRESET')) this.#forget(running);
      return undefined;
    }
    return this.#answer(running);
  }

  /**
   * From here on the process may exist, so there is no other way any more: two would share one sync socket. Whoever was made and is
   * not known ends with the launch, since the other end of its sync socket is closed then.
   */
  #answer(running: Running): SpawnedChild {
    const message = this.#receive(running);
    const answer = message === undefined ? undefined : decodeZygoteAnswer(message.bytes);
    const [pidfd] = message?.fds ?? [];
    if (answer?.kind === 'made' && pidfd !== undefined) return { pid: answer.pid, pidfd };
    if (answer?.kind === 'refused') {
      throw new SysError(answer.call, answer.errno, errnoName(answer.errno), answer.subject);
    }
    for (const fd of message?.fds ?? []) fd.close();
    this.#log.warn('the zygote does not answer; it is replaced', { pid: running.pid });
    kill(running.pid, SIGKILL);
    this.#forget(running);
    throw new DomainError('unavailable', `the zygote (process ${running.pid}) does not answer`);
  }

  /** Its answer; undefined when there is none in time. Throws `MakerGone` when it has ended. */
  #receive(running: Running): ReceivedMessage | undefined {
    const { channel, pid } = running;
    if (!blockUntilReadable(channel, answerMs)) return undefined;
    try {
      const message = receiveMessage(channel, maxZygoteBytes);
      if (message?.bytes.length !== 0) return message;
    } catch (error) {
      // With the request unread.
      if (!isSysError(error, 'ECONNRESET')) throw error;
    }
    this.#log.warn('the zygote has ended; it is replaced', { pid });
    this.#forget(running);
    throw new MakerGone(`the zygote (process ${pid})`);
  }

  /** Ends it and waits until it has ended. */
  stop(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#forget(running);
    // It cannot be another process: only we reap it.
    using pidfd = pidfdOpen(running.pid);
    kill(running.pid, SIGKILL);
    blockUntilReadable(pidfd, answerMs);
  }

  #forget(running: Running): void {
    running.channel.close();
    if (this.#running === running) this.#running = undefined;
  }
}
