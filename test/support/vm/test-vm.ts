import { deepEqual, equal } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { GUEST_SHARE } from '../../../host/sdk/volume.ts';
import { architectureName } from '../../../host/vm/architecture.ts';
import { architectureOfMachine, defaultMachine, type Machine } from '../../../host/vm/machine.ts';
import { isProcessAlive } from '../../../host/vm/process-identity.ts';
import type { ShareBind } from '../../../host/vm/shared-directory.ts';
import { VirtualMachine, type VmConfig } from '../../../host/vm/virtual-machine.ts';
import { createBusyboxRoot } from '../../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { eventually, within } from '../eventually.ts';
import {
  defaultKernel,
  findKernel,
  guestInitrd,
  hostTools,
  type InitrdOptions,
  type KernelChoice,
} from './guest-assets.ts';
import { askWitness, WITNESS_PORT } from './witness.ts';

/** The agent's API, as everywhere. */
export const API_PORT = 1024;

/** The deadlines bound a failing test; a guest without hardware help on a busy machine takes a tenth of them. */
const BOOT_MS = 120_000;
const DIAL_MS = 60_000;
const POWER_OFF_MS = 60_000;

/** How much of the console a failed test shows, in characters. */
const CONSOLE_TAIL = 4000;

export interface TestVmOptions extends InitrdOptions {
  readonly kernel?: KernelChoice | undefined;
  readonly machine?: Machine | undefined;
  readonly memoryMib?: number | undefined;
  readonly cpus?: number | undefined;
  readonly kernelParameters?: readonly string[] | undefined;
  /** Changes the busybox root file system before the VM is there. */
  readonly prepareRoot?: ((root: string) => void) | undefined;
  /** Puts more into the share before the VM is there, and gives binds below it that the share server is told of. */
  readonly prepareShare?: ((share: string) => readonly ShareBind[]) | undefined;
  /** Each wins over what the other options mean. */
  readonly config?: Partial<VmConfig> | undefined;
}

/** Folders of VMs that run; a test run that is interrupted removes them. One set for all test files of this process. */
const folders = (() => {
  const shared = globalThis as { kihonVmFolders?: Set<string> };
  if (shared.kihonVmFolders === undefined) {
    const created = new Set<string>();
    process.once('exit', () => {
      for (const folder of created) rmSync(folder, { recursive: true, force: true });
    });
    shared.kihonVmFolders = created;
  }
  return shared.kihonVmFolders;
})();

/** A guest as our host side boots it (also outside test runs: nothing here needs one), with a folder of this machine as its whole shared directory. */
export class TestVm implements AsyncDisposable {
  readonly vm: VirtualMachine;
  /** The VM's sockets and logs; removed in the end. */
  readonly folder: string;
  /** What the guest sees at `GUEST_SHARE`: a folder on this machine. */
  readonly share: string;
  readonly #machine: Machine;
  readonly #clients = new Set<AgentClient>();
  #console: string | undefined;

  private constructor(vm: VirtualMachine, folder: string, share: string, machine: Machine) {
    this.#machine = machine;
    this.vm = vm;
    this.folder = folder;
    this.share = share;
  }

  /** Boots it until its agent is ready. The share holds a busybox root file system at `roots/busybox`. */
  static async boot(options: TestVmOptions = {}): Promise<TestVm> {
    const choice = options.kernel ?? defaultKernel();
    const kernel = findKernel(choice);
    if (kernel === undefined) throw new Error(`no ${choice} kernel: make setup, or make kernel`);
    const folder = mkdtempSync(join(tmpdir(), 'kihon-vm-'));
    folders.add(folder);
    const share = join(folder, 'host');
    try {
      mkdirSync(join(share, 'roots'), { recursive: true });
      await createBusyboxRoot(join(share, 'roots/busybox'));
      options.prepareRoot?.(join(share, 'roots/busybox'));
      const machine = options.machine ?? defaultMachine(architectureName());
      const architecture = architectureOfMachine(machine) ?? architectureName();
      const tools = await hostTools(architecture);
      const directory = join(folder, 'vm');
      mkdirSync(directory);
      const vm = await VirtualMachine.boot(
        {
          directory,
          machine,
          ...tools,
          memoryMib: options.memoryMib ?? 256,
          cpus: options.cpus ?? 1,
          kernel: kernel.path,
          root: options.config?.root ?? { kind: 'initrd', path: await guestInitrd(folder, kernel, options) },
          console: 'hvc0',
          verbose: false,
          kernelParameters: options.kernelParameters ?? [],
          qemuArguments: [],
          share: [{ source: share, target: '.', readOnly: false }, ...(options.prepareShare?.(share) ?? [])],
          bootTimeoutMs: BOOT_MS,
          ...options.config,
        },
        new AbortController().signal,
      );
      return new TestVm(vm, folder, share, machine);
    } catch (error) {
      removeFolder(folder);
      throw error;
    }
  }

  /** Path in the guest of something in the share. */
  guestPath(inShare: string): string {
    return `${GUEST_SHARE}${inShare}`;
  }

  /** Guest path of a busybox root file system that no test changes. */
  get root(): string {
    return this.guestPath('roots/busybox');
  }

  /** Everything the guest wrote on its console, also after the end. */
  get console(): string {
    return this.#console ?? readFileSync(join(this.vm.directory, 'console.log'), 'utf8');
  }

  /** Writes the end of the console to standard error. */
  showConsole(where: string): void {
    process.stderr.write(`--- console of the guest in "${where}" ---\n${this.console.slice(-CONSOLE_TAIL)}\n---\n`);
  }

  /** A stream to a vsock port of the guest. */
  async dial(port: number, timeoutMs = DIAL_MS): Promise<Duplex> {
    return await this.vm.dial(port, { timeoutMs });
  }

  /** A new connection with a client on it. */
  async connect(): Promise<AgentClient> {
    const client = new AgentClient(await this.dial(API_PORT));
    this.#clients.add(client);
    return client;
  }

  /** Runs a script beside the agent, which needs a VM with `hasWitness`; fails unless the script succeeds. */
  async witness(script: string): Promise<string> {
    const { output, status } = await askWitness(await this.dial(WITNESS_PORT), script);
    equal(status, 0, `${script}\n${output}`);
    return output;
  }

  /** Waits until the VM has ended by itself, and says how QEMU ended. */
  async ended(timeoutMs = POWER_OFF_MS): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    try {
      return await within(timeoutMs, 'the end of the VM', this.vm.exited);
    } catch (error) {
      throw new Error(`the VM does not end; its console:\n${this.console.slice(-CONSOLE_TAIL)}`, { cause: error });
    }
  }

  /** Asks the agent to destroy the sandbox, and expects the guest to power itself off where it has the means. */
  async powerOff(): Promise<void> {
    const client = await this.connect();
    await client.call('DestroySandbox', {});
    if (this.#machine === 'microvm') await this.vm.powerOff();
    deepEqual(await this.ended(), { code: 0, signal: null });
  }

  /** Ends it, whatever state it is in; no helper and no file of it stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.vm[Symbol.asyncDispose]();
    await eventually(() =>
      deepEqual(
        this.vm.helpers.filter((helper) => isProcessAlive(helper)),
        [],
      ),
    );
    this.#console = this.console;
    removeFolder(this.folder);
  }
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}
