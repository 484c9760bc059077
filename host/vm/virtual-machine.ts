import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '../../agent/src/base/scope.ts';
import { ConsoleRelay } from './console-relay.ts';
import { describeExit, HelperProcess, type HelperExit } from './helper-process.ts';
import { HostError } from './host-error.ts';
import { findFirmware } from './firmware.ts';
import { rootParameters, type GuestRoot } from './guest-root.ts';
import { kernelCommandLine } from './kernel-command-line.ts';
import { lastConsoleLines } from './last-console-lines.ts';
import type { Machine } from './machine.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { qemuArguments } from './qemu-arguments.ts';
import { Qmp } from './qmp.ts';
import { listenForReady } from './ready-listener.ts';
import { prepareSharedDirectory, removeSharedDirectory, type ShareBind } from './shared-directory.ts';
import type { DialOptions } from './stream-dial.ts';
import { tscFrequencyKhz } from './tsc-frequency.ts';
import { startVirtiofsd } from './virtiofsd.ts';
import { dialVsock, startVsock, type VsockAddress, type VsockChoice } from './vsock-transport.ts';
import { waitForSocket } from './wait-for-socket.ts';

/** Tag under which the guest finds the shared directory (Kata's name). */
export const SHARE_TAG = 'kataShared';

/** Host port on which the guest announces itself. */
const READY_PORT = 1040;

/** Longest wait for a helper to listen, in ms; each needs about 10. */
const HELPER_TIMEOUT_MS = 10_000;

/** How long a VM may take to power itself off before QEMU is told to quit, and then is killed. */
const POWER_OFF_MS: Readonly<Record<Machine, number>> = {
  q35: 3000,
  virt: 3000,
  // It has no means to power itself off (`qemu-arguments.ts`): this is for what the guest has still to write.
  microvm: 300,
};
const QUIT_MS = 2000;

/** How long after QEMU's end its last console output may still arrive. */
const CONSOLE_TAIL_MS = 50;

/** Everything that starting one VM takes. */
export interface VmConfig {
  /** An existing folder for sockets and logs, at most 60 characters long; it is the caller's to remove. */
  readonly directory: string;
  readonly machine: Machine;
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryMib: number;
  readonly cpus: number;
  readonly kernel: string;
  readonly root: GuestRoot;
  readonly console: 'hvc0' | 'ttyS0';
  readonly verbose: boolean;
  readonly kernelParameters: readonly string[];
  readonly qemuArguments: readonly string[];
  /** What the guest shall see under the tag `kataShared`; none means no shared directory. */
  readonly share: readonly ShareBind[];
  readonly qemuPath: string;
  readonly virtiofsdPath: string;
  readonly vsock: VsockChoice;
  /** From QEMU's start to the guest's ready message. */
  readonly bootTimeoutMs: number;
  /** What an agent that sends no ready message prints on the console when it serves. */
  readonly readyText?: string | undefined;
}

/** A phase that came to its end, with its length. */
export type VmPhase = 'helpers' | 'boot';
export type OnVmPhase = (phase: VmPhase, ms: number) => void;

/** A running VM. Disposing of it ends it, whatever state it is in. */
export class VirtualMachine implements AsyncDisposable {
  readonly directory: string;
  readonly address: VsockAddress;
  /** Settles when QEMU has ended, for whatever reason. */
  readonly exited: Promise<HelperExit>;
  /** Rejects, with the reason in words, when QEMU has ended. */
  readonly failure: Promise<never>;
  /** QEMU and the programs beside it. */
  readonly helpers: readonly ProcessIdentity[];
  readonly #qemu: HelperProcess;
  readonly #qmp: Qmp;
  readonly #scope: Scope;
  readonly #powerOffMs: number;

  private constructor(parts: {
    readonly directory: string;
    readonly address: VsockAddress;
    readonly qemu: HelperProcess;
    readonly qmp: Qmp;
    readonly failure: Promise<never>;
    readonly helpers: readonly ProcessIdentity[];
    readonly scope: Scope;
    readonly powerOffMs: number;
  }) {
    this.directory = parts.directory;
    this.address = parts.address;
    this.exited = parts.qemu.exited;
    this.failure = parts.failure;
    this.helpers = parts.helpers;
    this.#qemu = parts.qemu;
    this.#qmp = parts.qmp;
    this.#scope = parts.scope;
    this.#powerOffMs = parts.powerOffMs;
  }

  /**
   * Boots a VM and returns when its agent is ready. On failure and on abort nothing is left of it but the logs.
   *
   * @throws HostError with the last lines of whatever failed
   */
  static async boot(
    config: VmConfig,
    signal: AbortSignal,
    onPhase: OnVmPhase = () => undefined,
  ): Promise<VirtualMachine> {
    await using scope = new Scope();
    const begin = performance.now();
    const inDirectory = (name: string): string => join(config.directory, name);
    const helpers: HelperProcess[] = [];
    const own = (helper: HelperProcess): HelperProcess => {
      helpers.push(helper);
      scope.defer(() => helper.stop());
      return helper;
    };
    const limits = { timeoutMs: HELPER_TIMEOUT_MS, signal };

    const share = config.share.length === 0 ? undefined : { socketPath: inDirectory('share.sock'), tag: SHARE_TAG };
    const startShare = async (socketPath: string): Promise<void> => {
      const directory = inDirectory('share');
      scope.defer(() => removeSharedDirectory(directory));
      prepareSharedDirectory(directory, config.share);
      const options = { directory, socketPath, binds: config.share, logPath: inDirectory('share.log') };
      const daemon = own(await startVirtiofsd({ ...options, path: config.virtiofsdPath }));
      await waitForSocket(daemon, socketPath, limits);
    };
    const starting = Promise.allSettled([
      startVsock(config.vsock, config.directory, limits).then((vsock) => {
        if (vsock.helper !== undefined) own(vsock.helper);
        return vsock;
      }),
      share === undefined ? undefined : startShare(share.socketPath),
    ]);
    const [vsockResult, shareResult] = await starting;
    if (vsockResult.status === 'rejected') throw vsockResult.reason;
    if (shareResult.status === 'rejected') throw shareResult.reason;
    signal.throwIfAborted();
    const vsock = vsockResult.value;
    const isHybrid = vsock.address.kind === 'hybrid';
    const ready =
      vsock.address.kind === 'hybrid' ? scope.use(await listenForReady(vsock.address.path, READY_PORT)) : undefined;
    onPhase('helpers', performance.now() - begin);

    const started = performance.now();
    const commandLine = kernelCommandLine({
      machine: config.machine,
      accelerator: config.accelerator,
      cpus: config.cpus,
      tscKhz: tscFrequencyKhz(),
      console: config.console,
      readyPort: isHybrid ? READY_PORT : undefined,
      verbose: config.verbose,
      extra: [...rootParameters(config.root), ...config.kernelParameters],
    });
    const args = qemuArguments({
      ...config,
      firmware: findFirmware(),
      commandLine,
      vsock: vsock.backend,
      share,
      qmpFd: 3,
      consoleFd: 4,
      extra: config.qemuArguments,
    });
    const logPath = inDirectory('qemu.log');
    const qemu = await HelperProcess.start({ command: [config.qemuPath, ...args], logPath, extraPipes: 2 });
    own(qemu);
    const [, , , qmpStream, consoleStream] = qemu.child.stdio;
    const consoleLog = inDirectory('console.log');
    const relay = await ConsoleRelay.open(consoleStream as Duplex, consoleLog, inDirectory('console.sock'));
    scope.use(relay);
    const shown = config.readyText === undefined ? undefined : relay.shows(config.readyText);

    const ended = qemu.exited.then(async (exit): Promise<never> => {
      // The end of the console arrives on a stream of its own.
      await sleep(CONSOLE_TAIL_MS);
      const words = [qemu.lastWords(), lastConsoleLines(consoleLog)].filter((text) => text !== '').join('; ');
      throw new HostError(describeExit('the VM', exit, words));
    });
    ended.catch(() => undefined);
    const qmp = await Promise.race([Qmp.open(qmpStream as Duplex).catch(() => ended), ended]);
    const isReady =
      shown ??
      ready?.ready ??
      dialVsock(vsock.address, 1024, { timeoutMs: config.bootTimeoutMs, signal }).then(
        (stream) => void stream.destroy(),
      );
    await withinBootTime(Promise.race([isReady, ended]), config.bootTimeoutMs, signal, consoleLog);
    onPhase('boot', performance.now() - started);
    const { directory } = config;
    return new VirtualMachine({
      directory,
      address: vsock.address,
      qemu,
      qmp,
      failure: ended,
      helpers: helpers.map((helper) => helper.identity),
      scope: scope.move(),
      powerOffMs: POWER_OFF_MS[config.machine],
    });
  }

  /** Connects to a vsock port of the guest. @throws HostError */
  async dial(port: number, options: DialOptions): Promise<Duplex> {
    return await dialVsock(this.address, port, options);
  }

  /** One command of QEMU's machine protocol. @throws HostError */
  async qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#qmp.execute(command, args);
  }

  /**
   * Waits for the guest to power off by itself (the agent does after DestroySandbox), then ends QEMU if it did not, and
   * releases everything.
   */
  async powerOff(waitMs = this.#powerOffMs): Promise<void> {
    if (!(await settlesWithin(this.exited, waitMs))) {
      this.#qmp.execute('quit').catch(() => undefined);
      if (!(await settlesWithin(this.exited, QUIT_MS))) await this.#qemu.stop();
    }
    await this.#scope.unwind();
  }

  /** Ends it at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#qemu.stop();
    await this.#scope.unwind();
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function withinBootTime(
  ready: Promise<void>,
  timeoutMs: number,
  signal: AbortSignal,
  consoleLog: string,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
    timer = setTimeout(() => {
      const words = lastConsoleLines(consoleLog);
      reject(
        new HostError(
          `the guest was not ready after ${timeoutMs / 1000} s${words === '' ? '' : `; its console: ${words}`}`,
        ),
      );
    }, timeoutMs);
    if (signal.aborted) onAbort();
  });
  try {
    await Promise.race([ready, late]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
