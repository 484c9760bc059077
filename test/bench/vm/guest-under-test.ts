import { join } from 'node:path';
import { containerSpec, processSpec, type ProcessOptions } from '../../../host/sdk/container-spec.ts';
import { Sandbox } from '../../../host/sdk/sandbox.ts';
import { StateStore } from '../../../host/sdk/state-store.ts';
import { guestRootfs } from '../../../host/sdk/volume.ts';
import { architectureName } from '../../../host/vm/architecture.ts';
import { childrenOf, cpuMs } from '../../support/agent/kernel-view.ts';
import { repository } from '../../support/repository.ts';
import { READ_LENGTH } from '../../support/container/test-container.ts';
import { checkLatency, checkRate, stdoutRate } from '../agent-load.ts';
import { CpuStopwatch } from '../cpu-stopwatch.ts';
import { RUST_READ_LENGTH, RUST_READY_TEXT } from '../peers/rust-agent.ts';
import { summarize, type Samples } from '../statistics.ts';
import type { Workspace } from '../workspace.ts';

const BYTES_PER_MB = 1_000_000;
const KIB_PER_MB = BYTES_PER_MB / 1024;

const ROOT_USER = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };

function processOptions(args: readonly string[]): ProcessOptions {
  return { args, env: [], cwd: '/', user: ROOT_USER, hasTerminal: false };
}

function qemuPids(): number[] {
  return childrenOf(process.pid).flatMap(({ name, pid }) => (name.startsWith('qemu-system') ? [pid] : []));
}

/** What an agent boots from, and how it is spoken to. */
export interface GuestKind {
  readonly initrd: string;
  readonly readyText: string | undefined;
  readonly readLength: number;
}

export function ourGuest(workspace: Workspace): GuestKind {
  return { initrd: workspace.initrd, readyText: undefined, readLength: READ_LENGTH };
}

export function rustGuest(initrd: string): GuestKind {
  return { initrd, readyText: RUST_READY_TEXT, readLength: RUST_READ_LENGTH };
}

interface Boot {
  readonly ms: number;
  readonly cpuMs: number;
}

let count = 0;

/** A booted VM with a container that waits, and what was measured of it so far. */
export class GuestUnderTest implements AsyncDisposable {
  readonly sandbox: Sandbox;
  /** From the start of QEMU to the first connection. */
  readonly boot: Boot;
  readonly watch: CpuStopwatch;
  readonly #readLength: number;
  readonly #rates: Record<string, number[]> = { rate: [], stdout: [] };
  readonly #latencies: Samples[] = [];

  private constructor(sandbox: Sandbox, boot: Boot, pid: number, readLength: number) {
    this.sandbox = sandbox;
    this.boot = boot;
    this.watch = new CpuStopwatch(pid);
    this.#readLength = readLength;
  }

  static async start(workspace: Workspace, kind: GuestKind): Promise<GuestUnderTest> {
    const env = { KIHON_CACHE: join(repository, '.cache'), ...process.env, KIHON_INITRD: kind.initrd };
    const others = new Set(qemuPids());
    let pid: number | undefined;
    let ms = 0;
    let bootCpuMs = 0;
    const sandbox = await Sandbox.create(
      { rootfs: workspace.root },
      {
        places: { home: join(repository, 'build'), architecture: architectureName(), env },
        store: new StateStore(join(workspace.folder, `state${count++}`)),
        readyText: kind.readyText,
        onPhase: (phase, phaseMs) => {
          if (phase !== 'boot' && phase !== 'connect') return;
          ms += phaseMs;
          pid = qemuPids().find((one) => !others.has(one));
          if (pid !== undefined) bootCpuMs = cpuMs(pid);
        },
      },
    );
    if (pid === undefined) throw new Error('QEMU does not run');
    return new GuestUnderTest(sandbox, { ms, cpuMs: bootCpuMs }, pid, kind.readLength);
  }

  /** Memory that the guest does not have any more, in MB. */
  async usedMemoryMb(): Promise<number> {
    const text = (await this.sandbox.exec(['/bin/cat', '/proc/meminfo'])).stdout.toString();
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN);
    return (field('MemTotal') - field('MemAvailable')) / KIB_PER_MB;
  }

  async checks(amount: number): Promise<void> {
    this.#latencies.push(await this.watch.batch('check', amount, () => checkLatency(this.sandbox.client, amount)));
  }

  async checksInFlight(amount: number): Promise<void> {
    this.#rates['rate']?.push(await this.watch.batch('rate', amount, () => checkRate(this.sandbox.client, amount)));
  }

  async stdout(megabytes: number): Promise<void> {
    const { client, container } = this.sandbox;
    const read = () => stdoutRate(client, container.id, megabytes * BYTES_PER_MB, this.#readLength);
    this.#rates['stdout']?.push(await this.watch.batch('stdout', megabytes, read));
  }

  /** One container from creation to removal. */
  async containerOf(id: string): Promise<void> {
    const { client } = this.sandbox;
    const { watch } = this;
    const options = { ...processOptions(['/bin/true']), containerId: id, hostname: id, volumes: [], isReadOnly: false };
    const spec = { ...containerSpec(options), Root: { Path: guestRootfs(this.sandbox.name), Readonly: false } };
    const ids = { container_id: id, exec_id: id };
    await watch.time('run', async () => {
      await watch.time('create', () => client.call('CreateContainer', { ...ids, OCI: spec }));
      await watch.time('start', () => client.call('StartContainer', { container_id: id }));
      await client.call('WaitProcess', ids);
    });
    await watch.time('remove', () => client.call('RemoveContainer', { container_id: id }));
  }

  async exec(execId: string): Promise<void> {
    const { client, container } = this.sandbox;
    const ids = { container_id: container.id, exec_id: execId };
    await this.watch.time('exec', async () => {
      await client.call('ExecProcess', { ...ids, process: processSpec(processOptions(['/bin/true'])) });
      await client.call('WaitProcess', ids);
    });
  }

  /** Of the rounds of Checks the one in the middle. */
  get latency(): Samples {
    const sorted = [...this.#latencies].sort((a, b) => a.median - b.median);
    const middle = sorted[sorted.length >> 1];
    if (middle === undefined) throw new Error('no Check was measured');
    return middle;
  }

  rate(kind: 'rate' | 'stdout'): number {
    return summarize(this.#rates[kind] ?? []).median;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox.close();
  }
}
