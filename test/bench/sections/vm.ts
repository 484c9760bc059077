import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Scope } from '../../../agent/src/base/scope.ts';
import { virtiofsdCommand } from '../../../host/vm/virtiofsd.ts';
import { products } from '../../support/repository.ts';
import { IN_FLIGHT } from '../agent-load.ts';
import { RECORDED, RECORDED_AGENT } from '../peers/recorded-agent.ts';
import { RUST, rustInitrd } from '../peers/rust-agent.ts';
import type { Measurement } from '../report/measurement.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import { summarize, type Samples } from '../statistics.ts';
import { GuestUnderTest, ourGuest, rustGuest, type GuestKind } from '../vm/guest-under-test.ts';

const TITLE = 'In a VM';

/** How the shared directory is cached in the guest, as the host's default has it: `cache=MODE`. */
function cacheMode(): string {
  const command = virtiofsdCommand({ path: '', socketPath: '', directory: '', binds: [], logPath: '' });
  return command.find((word) => word.startsWith('cache=')) ?? 'the default cache';
}

/** A contestant: its last VM, which stays, and the boots of all. */
interface Contestant {
  readonly key: string;
  readonly guest: GuestUnderTest;
  readonly boots: readonly GuestUnderTest['boot'][];
  readonly memoryMb: number;
}

/** Boots all kinds in turns, and keeps the last VM of each. */
async function bootAll(
  context: BenchContext,
  kinds: Readonly<Record<string, GuestKind>>,
  scope: Scope,
): Promise<readonly Contestant[]> {
  const boots = new Map(Object.keys(kinds).map((key) => [key, [] as GuestUnderTest['boot'][]]));
  for (let index = 1; index < context.amount(1, 5); index++) {
    for (const [key, kind] of Object.entries(kinds)) {
      await using guest = await GuestUnderTest.start(context.workspace, kind);
      boots.get(key)?.push(guest.boot);
    }
  }
  const contestants: Contestant[] = [];
  for (const [key, kind] of Object.entries(kinds)) {
    const guest = await GuestUnderTest.start(context.workspace, kind);
    scope.defer(() => guest[Symbol.asyncDispose]());
    const memoryMb = await guest.usedMemoryMb();
    contestants.push({ key, guest, boots: [...(boots.get(key) ?? []), guest.boot], memoryMb });
  }
  return contestants;
}

/** Rounds of what is measured in bulk. */
const ROUNDS = 5;

/** Everything but the boots, in turns: what else the machine does hits all alike. */
async function measureAll(context: BenchContext, guests: readonly GuestUnderTest[]): Promise<void> {
  const rounds = context.amount(1, ROUNDS);
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? guests : [...guests].reverse();
    for (const guest of order) await guest.checks(context.amount(50, 100));
    for (const guest of order) await guest.checksInFlight(context.amount(200, 1000));
    for (const guest of order) await guest.stdout(context.amount(2, 12));
  }
  for (let index = 0; index < context.amount(3, 31); index++) {
    for (const guest of guests) await guest.containerOf(`bench-${index}`);
    for (const guest of guests) await guest.exec(`bench-exec-${index}`);
  }
}

interface Found {
  readonly value: number | Samples;
  readonly cpuMs?: number;
}

/** What was found of one contestant, by the row's key. */
function findings({ guest, boots, memoryMb }: Contestant): Readonly<Record<string, Found>> {
  const { watch } = guest;
  const call = (key: string): Found => ({ value: watch.samples(key), cpuMs: watch.cpuMs(key) });
  return {
    boot: { value: summarize(boots.map(({ ms }) => ms)), cpuMs: summarize(boots.map((one) => one.cpuMs)).median },
    check: { value: guest.latency, cpuMs: watch.cpuMs('check') },
    rate: { value: guest.rate('rate'), cpuMs: watch.cpuMs('rate') },
    create: call('create'),
    start: call('start'),
    run: call('run'),
    remove: call('remove'),
    exec: call('exec'),
    stdout: { value: guest.rate('stdout'), cpuMs: watch.cpuMs('stdout') },
    memory: { value: memoryMb },
  };
}

/** Rows with their keys, and what is recorded of the Rust agent. */
const ROWS: readonly (readonly [key: string, name: string, unit: Measurement['unit'], recorded: number])[] = [
  ['boot', 'start of QEMU to first connection', 'ms', RECORDED_AGENT.bootMs],
  ['check', 'Check', 'ms', RECORDED_AGENT.checkMs],
  ['rate', `Checks with ${IN_FLIGHT} in flight`, '/s', RECORDED_AGENT.checksPerSecond],
  ['create', 'CreateContainer', 'ms', RECORDED_AGENT.createMs],
  ['start', 'StartContainer', 'ms', RECORDED_AGENT.startContainerMs],
  ['run', 'create, start and exit of `true`', 'ms', RECORDED_AGENT.runMs],
  ['remove', 'RemoveContainer', 'ms', RECORDED_AGENT.removeMs],
  ['exec', 'exec of `true` and wait', 'ms', RECORDED_AGENT.execMs],
  ['stdout', 'standard output', 'MB/s', RECORDED_AGENT.stdoutMbPerSecond],
  ['memory', 'guest memory used', 'MB', RECORDED_AGENT.guestMemoryMb],
];

/** Boot, API and containers in VMs, beside Kata's Rust agent: in the same run where there is one, else what was recorded. */
export async function measureVm(context: BenchContext): Promise<SectionReport | SkippedSection> {
  if (!existsSync(join(products, 'vmlinux')) && process.env['KIHON_KERNEL'] === undefined)
    return { title: TITLE, skipped: 'no guest kernel was built here; `make kernel` builds one' };
  await using scope = new Scope();
  const kinds = {
    kihon: ourGuest(context.workspace),
    ...(rustInitrd === undefined ? {} : { [RUST.key]: rustGuest(rustInitrd) }),
  };
  const contestants = await bootAll(context, kinds, scope);
  await measureAll(
    context,
    contestants.map(({ guest }) => guest),
  );
  const [ours, theirs] = contestants;
  if (ours === undefined) throw new Error('nothing was measured');
  const our = findings(ours);
  const their = theirs === undefined ? undefined : findings(theirs);
  const peer = their === undefined ? RECORDED : RUST;
  const { accelerator } = ours.guest.sandbox;
  return {
    title: TITLE,
    comparisons: [
      {
        title: `${accelerator.kind === 'kvm' ? 'KVM' : 'TCG'}, 1 CPU, 256 MiB`,
        peers: [peer],
        judgedBy: peer.key,
        rows: ROWS.map(([key, name, unit, recorded]): Measurement => {
          const { value = NaN, cpuMs } = our[key] ?? {};
          const peerCpuMs = their?.[key]?.cpuMs;
          return {
            ...{ name, unit, ours: value, peers: { [peer.key]: their?.[key]?.value ?? recorded } },
            ...(cpuMs === undefined ? {} : { cpuMs }),
            ...(peerCpuMs === undefined ? {} : { peersCpuMs: { [peer.key]: peerCpuMs } }),
          };
        }),
      },
    ],
    tables: [],
    notes: [
      `guest code is executed by ${accelerator.kind} (${accelerator.reason}); the root is on virtio-fs with ${cacheMode()}, as the host sets it up`,
      'CPU of QEMU is for one boot, call or MB, all threads',
      ...(their === undefined
        ? ['how busy the machine of the recorded agent was is not known; its memory is without a container']
        : [
            'both agents took turns on one kernel; the log of the Rust agent goes to the console, as it does by default',
          ]),
      'guest memory is MemTotal less MemAvailable, with a running container and an exec',
    ],
    charts: [],
  };
}
