import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { containerSpec, processSpec, type ProcessOptions } from '../../../host/sdk/container-spec.ts';
import { Sandbox } from '../../../host/sdk/sandbox.ts';
import { StateStore } from '../../../host/sdk/state-store.ts';
import { guestRootfs } from '../../../host/sdk/volume.ts';
import { architectureName } from '../../../host/vm/architecture.ts';
import { virtiofsdCommand } from '../../../host/vm/virtiofsd.ts';
import { childrenOf, cpuMs } from '../../support/agent/kernel-view.ts';
import { products, repository } from '../../support/repository.ts';
import { checkLatency, checkRate, IN_FLIGHT, stdoutRate } from '../agent-load.ts';
import { RECORDED, RECORDED_AGENT } from '../peers/recorded-agent.ts';
import type { Measurement } from '../report/measurement.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import { CpuStopwatch } from '../cpu-stopwatch.ts';
import { summarize } from '../statistics.ts';

const TITLE = 'In a VM';
const BYTES_PER_MB = 1_000_000;
const KIB_PER_MB = BYTES_PER_MB / 1024;

const ROOT_USER = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };

function processOptions(args: readonly string[]): ProcessOptions {
  return { args, env: [], cwd: '/', user: ROOT_USER, hasTerminal: false };
}

/** The QEMU that this process started. */
function qemuPid(): number {
  const qemu = childrenOf(process.pid).find(({ name }) => name.startsWith('qemu-system'));
  if (qemu === undefined) throw new Error('QEMU does not run');
  return qemu.pid;
}

interface Boot {
  readonly ms: number;
  readonly cpuMs: number;
}

/** How the shared directory is cached in the guest, as the host's default has it: `cache=MODE`. */
function cacheMode(): string {
  const command = virtiofsdCommand({ path: '', socketPath: '', directory: '', binds: [], logPath: '' });
  return command.find((word) => word.startsWith('cache=')) ?? 'the default cache';
}

/** Boots a VM with a container that waits. */
async function boot(context: BenchContext, index: number): Promise<{ readonly sandbox: Sandbox; readonly boot: Boot }> {
  const { workspace } = context;
  const env = { KIHON_CACHE: join(repository, '.cache'), ...process.env, KIHON_INITRD: workspace.initrd };
  let time: Boot | undefined;
  const sandbox = await Sandbox.create(
    { rootfs: workspace.root },
    {
      places: { home: join(repository, 'build'), architecture: architectureName(), env },
      store: new StateStore(join(workspace.folder, `state${index}`)),
      onPhase: (phase, ms) => {
        if (phase === 'boot') time = { ms, cpuMs: cpuMs(qemuPid()) };
      },
    },
  );
  if (time === undefined) throw new Error('the sandbox did not say how long the boot took');
  return { sandbox, boot: time };
}

/** Memory that the guest does not have any more, in MB. */
async function usedMemoryMb(sandbox: Sandbox): Promise<number> {
  const text = (await sandbox.exec(['/bin/cat', '/proc/meminfo'])).stdout.toString();
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN);
  return (field('MemTotal') - field('MemAvailable')) / KIB_PER_MB;
}

/** The calls of containers and execs, `count` of each. */
async function measureCalls(sandbox: Sandbox, count: number): Promise<CpuStopwatch> {
  const { client, container } = sandbox;
  const watch = new CpuStopwatch(qemuPid());
  const path = guestRootfs(sandbox.name);
  for (let index = 0; index < count; index++) {
    const id = `bench-${index}`;
    const options = { ...processOptions(['/bin/true']), containerId: id, hostname: id, volumes: [], isReadOnly: false };
    const spec = { ...containerSpec(options), Root: { Path: path, Readonly: false } };
    const ids = { container_id: id, exec_id: id };
    await watch.time('run', async () => {
      await watch.time('create', () => client.call('CreateContainer', { ...ids, OCI: spec }));
      await watch.time('start', () => client.call('StartContainer', { container_id: id }));
      await client.call('WaitProcess', ids);
    });
    await watch.time('remove', () => client.call('RemoveContainer', { container_id: id }));
  }
  for (let index = 0; index < count; index++) {
    const ids = { container_id: container.id, exec_id: `bench-exec-${index}` };
    await watch.time('exec', async () => {
      await client.call('ExecProcess', { ...ids, process: processSpec(processOptions(['/bin/true'])) });
      await client.call('WaitProcess', ids);
    });
  }
  return watch;
}

/** Boot, API and containers in VMs, beside what was recorded of Kata's Rust agent. */
export async function measureVm(context: BenchContext): Promise<SectionReport | SkippedSection> {
  if (!existsSync(join(products, 'vmlinux')) && process.env['KIHON_KERNEL'] === undefined)
    return { title: TITLE, skipped: 'no guest kernel was built here; `make kernel` builds one' };
  const boots: Boot[] = [];
  for (let index = 1; index < context.amount(1, 5); index++) {
    const { sandbox, boot: time } = await boot(context, index);
    await sandbox.close();
    boots.push(time);
  }
  const last = await boot(context, 0);
  boots.push(last.boot);
  await using sandbox = last.sandbox;
  const { client } = sandbox;
  const memoryMb = await usedMemoryMb(sandbox);
  const watch = new CpuStopwatch(qemuPid());
  const checks = context.amount(50, 500);
  const check = await watch.batch('check', checks, () => checkLatency(client, checks));
  const rateChecks = context.amount(200, 5000);
  const rate = await watch.batch('rate', rateChecks, () => checkRate(client, rateChecks));
  const calls = await measureCalls(sandbox, context.amount(3, 31));
  const bytes = context.amount(2, 64) * BYTES_PER_MB;
  const stdout = await watch.batch('stdout', bytes / BYTES_PER_MB, () =>
    stdoutRate(client, sandbox.container.id, bytes),
  );

  const recorded = RECORDED_AGENT;
  const row = (name: string, unit: Measurement['unit'], ours: Measurement['ours'], theirs: number, cpu?: number) => ({
    ...{ name, unit, ours, peers: { recorded: theirs } },
    ...(cpu === undefined ? {} : { cpuMs: cpu }),
  });
  const call = (name: string, key: string, theirs: number) =>
    row(name, 'ms', calls.samples(key), theirs, calls.cpuMs(key));
  const bootCpu = summarize(boots.map((one) => one.cpuMs)).median;
  return {
    title: TITLE,
    comparisons: [
      {
        title: `${sandbox.accelerator.kind === 'kvm' ? 'KVM' : 'TCG'}, 1 CPU, 256 MiB`,
        peers: [RECORDED],
        judgedBy: RECORDED.key,
        rows: [
          row('start of QEMU to agent ready', 'ms', summarize(boots.map(({ ms }) => ms)), recorded.bootMs, bootCpu),
          row('Check', 'ms', check, recorded.checkMs, watch.cpuMs('check')),
          row(`Checks with ${IN_FLIGHT} in flight`, '/s', rate, recorded.checksPerSecond, watch.cpuMs('rate')),
          call('CreateContainer', 'create', recorded.createMs),
          call('StartContainer', 'start', recorded.startContainerMs),
          call('create, start and exit of `true`', 'run', recorded.runMs),
          call('RemoveContainer', 'remove', recorded.removeMs),
          call('exec of `true` and wait', 'exec', recorded.execMs),
          row('standard output', 'MB/s', stdout, recorded.stdoutMbPerSecond, watch.cpuMs('stdout')),
          row('guest memory used', 'MB', memoryMb, recorded.guestMemoryMb),
        ],
      },
    ],
    tables: [],
    notes: [
      `guest code is executed by ${sandbox.accelerator.kind} (${sandbox.accelerator.reason}); the root is on virtio-fs with ${cacheMode()}, as the host sets it up`,
      'CPU of QEMU is for one boot, call or MB, all threads; how busy the machine of the recorded agent was is not known',
      'guest memory is MemTotal less MemAvailable, with a running container and an exec; the recorded one is without',
    ],
    charts: [],
  };
}
