import { userInfo } from 'node:os';
import { Scope } from '../../agent/src/base/scope.ts';
import { AgentClient } from '../client/agent-client.ts';
import { probeAccelerator, type Accelerator } from '../vm/accelerator.ts';
import { defaultPlaces, locateKernel, locateQemu, locateVirtiofsd, type AssetPlaces } from '../vm/assets.ts';
import { HostError } from '../vm/host-error.ts';
import { architectureOfMachine, defaultMachine } from '../vm/machine.ts';
import { VirtualMachine, type VmConfig } from '../vm/virtual-machine.ts';
import { chooseVsock } from '../vm/vsock-transport.ts';
import { collectOutput, type CollectOptions, type ProcessResult } from './collect-output.ts';
import { chooseRoot } from './choose-root.ts';
import { Container } from './container.ts';
import type { ContainerProcess } from './container-process.ts';
import type { ProcessOptions } from './container-spec.ts';
import { readUserTables, resolveUser } from './rootfs-users.ts';
import { generateSandboxName, parseSandboxName } from './sandbox-name.ts';
import {
  checkOptions,
  checkRootfs,
  checkVolumes,
  DEFAULT_BOOT_TIMEOUT_MS,
  DEFAULT_MEMORY_MIB,
  type SandboxOptions,
} from './sandbox-options.ts';
import { openSandbox, type GuestDetails } from './sandbox-session.ts';
import { StateStore, type StateEntry } from './state-store.ts';
import { containerBinds } from './volume.ts';

/** The agent's port (contract of the host runtime, section 1.1). */
export const AGENT_PORT = 1024;

/** Limits for the calls that end a sandbox, in ms: a guest that does not answer is ended without its consent. */
const REMOVE_TIMEOUT_MS = 10_000;
const DESTROY_TIMEOUT_MS = 5_000;

export type SandboxPhase = 'prepare' | 'helpers' | 'boot' | 'connect' | 'sandbox' | 'container';

/** Where things are and who listens; the defaults are those of the command line. */
export interface SandboxContext {
  readonly store?: StateStore;
  readonly places?: AssetPlaces;
  readonly signal?: AbortSignal | undefined;
  /** Called at the end of each phase with its length. */
  readonly onPhase?: (phase: SandboxPhase, ms: number) => void;
  /** Told what executes guest code before anything is started. */
  readonly onAccelerator?: (accelerator: Accelerator) => void;
  /** For an agent that sends no ready message: what it prints on the console when it serves. */
  readonly readyText?: string | undefined;
}

/** Options of one more process. */
export interface ExecOptions {
  readonly env?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly hasTerminal?: boolean | undefined;
}

/** The first process when nobody asked for one: a shell whose standard input never ends costs nothing. */
const WAITING_SHELL: readonly string[] = ['/bin/sh'];

/**
 * A VM with one container in it.
 *
 * `await using box = await Sandbox.create({ rootfs })` boots it; leaving the block ends it and leaves nothing behind.
 */
export class Sandbox implements AsyncDisposable {
  readonly name: string;
  readonly rootfs: string;
  readonly accelerator: Accelerator;
  readonly guest: GuestDetails;
  readonly client: AgentClient;
  readonly container: Container;
  readonly vm: VirtualMachine;
  readonly entry: StateEntry;
  #closing: Promise<void> | undefined;

  private constructor(parts: {
    readonly entry: StateEntry;
    readonly rootfs: string;
    readonly accelerator: Accelerator;
    readonly guest: GuestDetails;
    readonly client: AgentClient;
    readonly container: Container;
    readonly vm: VirtualMachine;
  }) {
    this.entry = parts.entry;
    this.name = parts.entry.record.name;
    this.rootfs = parts.rootfs;
    this.accelerator = parts.accelerator;
    this.guest = parts.guest;
    this.client = parts.client;
    this.container = parts.container;
    this.vm = parts.vm;
  }

  /**
   * Boots a VM and creates the container. Its first process is started, unless `isStarted` is false and the caller does it.
   *
   * @throws HostError for what the host lacks, RpcError for what the agent refuses; nothing is left behind
   */
  static async create(
    options: SandboxOptions,
    context: SandboxContext & { readonly isStarted?: boolean } = {},
  ): Promise<Sandbox> {
    const { store = new StateStore(), places = defaultPlaces(), onPhase = () => undefined } = context;
    const signal = context.signal ?? new AbortController().signal;
    let phaseBegan = performance.now();
    const endPhase = (phase: SandboxPhase): void => {
      const now = performance.now();
      onPhase(phase, now - phaseBegan);
      phaseBegan = now;
    };

    const prepared = await prepare(options, places);
    context.onAccelerator?.(prepared.accelerator);
    signal.throwIfAborted();
    const { name, rootfs, user, volumes } = prepared;
    await using scope = new Scope();
    const entry = store.claim({
      name,
      isDetached: options.isDetached ?? false,
      rootfs,
      args: prepared.args,
      memoryMib: prepared.config.memoryMib,
      cpus: prepared.config.cpus,
      machine: prepared.config.machine,
      accelerator: prepared.accelerator.kind,
      hasTerminal: options.hasTerminal ?? false,
    });
    scope.defer(() => entry.release());
    endPhase('prepare');

    const vm = await VirtualMachine.boot(
      { ...prepared.config, directory: entry.directory, readyText: context.readyText },
      signal,
      endPhase,
    );
    scope.defer(() => vm[Symbol.asyncDispose]());
    const stream = await vm.dial(AGENT_PORT, { timeoutMs: prepared.config.bootTimeoutMs, signal });
    const client = new AgentClient(stream);
    scope.defer(() => client.close());
    endPhase('connect');

    const guest = await openSandbox(client, { sandboxId: name, hostname: name, hasShare: true }, signal);
    endPhase('sandbox');
    const container = await Container.create(
      client,
      {
        containerId: name,
        hostname: name,
        args: prepared.args,
        env: options.env ?? [],
        cwd: options.cwd ?? '/',
        user,
        hasTerminal: options.hasTerminal ?? false,
        isReadOnly: options.isReadOnly ?? false,
        volumes,
      },
      signal,
    );
    if (context.isStarted ?? true) await container.start();
    entry.update({ status: 'running', vsock: vm.address });
    endPhase('container');
    scope.commit();
    return new Sandbox({ entry, rootfs, accelerator: prepared.accelerator, guest, client, container, vm });
  }

  /** Starts one more process with its streams. @throws RpcError, HostError for an unknown user */
  async spawn(args: readonly string[], options: ExecOptions = {}): Promise<ContainerProcess> {
    return await this.container.exec(await execProcessOptions(this.rootfs, args, options));
  }

  /**
   * Runs a command to its end and returns its exit code and output.
   *
   * @throws RpcError; HostError when it is out of time or writes more than it may
   */
  async exec(args: readonly string[], options: ExecOptions & CollectOptions = {}): Promise<ProcessResult> {
    return await collectOutput(await this.spawn(args, options), options);
  }

  /** Ends the container and the VM and removes its state. Safe to call more than once. */
  async close(): Promise<void> {
    this.#closing ??= this.#close(true);
    await this.#closing;
  }

  /** Ends the VM but keeps its folder with the logs, marked as exited, until somebody forgets it. */
  async closeKeepingRecord(exitCode: number): Promise<void> {
    this.#closing ??= this.#close(false).then(() => this.entry.update({ status: 'exited', exitCode }));
    await this.#closing;
  }

  async #close(isReleased: boolean): Promise<void> {
    await using scope = new Scope();
    if (isReleased) scope.defer(() => this.entry.release());
    scope.defer(() => this.vm.powerOff());
    scope.defer(() => this.client.close());
    // The guest's goodbye is a courtesy: with or without it the VM ends.
    const isAlive = await this.client
      .call('RemoveContainer', { container_id: this.container.id }, { timeoutMs: REMOVE_TIMEOUT_MS })
      .then(
        () => true,
        (error: unknown) => !this.client.isClosed && error instanceof Error,
      );
    if (isAlive) await this.client.call('DestroySandbox', {}, { timeoutMs: DESTROY_TIMEOUT_MS }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Options of a process that is added to a container with this root filesystem. */
export async function execProcessOptions(
  rootfs: string,
  args: readonly string[],
  options: ExecOptions,
): Promise<ProcessOptions> {
  if (args.length === 0) throw new HostError('no command to run');
  return {
    args,
    env: options.env ?? [],
    cwd: options.cwd ?? '/',
    user: resolveUser(options.user ?? '0', await readUserTables(rootfs)),
    hasTerminal: options.hasTerminal ?? false,
  };
}

/** Everything that can be checked before the first side effect, in the order in which a person would want to hear of it. */
async function prepare(options: SandboxOptions, hostPlaces: AssetPlaces) {
  if (userInfo().uid !== 0) throw new HostError('must be run as root, for it makes mounts and starts VMs');
  checkOptions(options);
  const name = options.name === undefined ? generateSandboxName() : parseSandboxName(options.name);
  const rootfs = checkRootfs(options.rootfs);
  const volumes = checkVolumes(options.volumes ?? []);
  const user = resolveUser(options.user ?? '0', await readUserTables(rootfs));
  const architecture = architectureOfMachine(options.machine) ?? hostPlaces.architecture;
  const places = { ...hostPlaces, architecture };
  const qemuPath = locateQemu(places);
  const accelerator = await probeAccelerator(qemuPath, architecture);
  const kernel = locateKernel(places, options.kernel);
  const machine = options.machine ?? defaultMachine(architecture);
  const config: Omit<VmConfig, 'directory'> = {
    machine,
    accelerator: accelerator.kind,
    memoryMib: options.memoryMib ?? DEFAULT_MEMORY_MIB,
    cpus: options.cpus ?? 1,
    kernel,
    root: chooseRoot(places, options, machine, kernel),
    console: options.console ?? 'hvc0',
    verbose: options.isVerbose ?? false,
    kernelParameters: options.kernelParameters ?? [],
    qemuArguments: options.qemuArguments ?? [],
    share: containerBinds(name, rootfs, volumes),
    qemuPath,
    virtiofsdPath: locateVirtiofsd(places),
    vsock: chooseVsock(places),
    bootTimeoutMs: options.bootTimeoutMs ?? DEFAULT_BOOT_TIMEOUT_MS,
  };
  return { name, rootfs, volumes, user, accelerator, config, args: options.args ?? WAITING_SHELL };
}
