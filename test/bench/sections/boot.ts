import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { assertNever } from '../../../agent/src/base/assert-never.ts';
import { architectureName } from '../../../host/vm/architecture.ts';
import type { Machine } from '../../../host/vm/machine.ts';
import { buildInitrd } from '../../../rootfs-builder/src/index.ts';
import { hostTools } from '../../support/vm/guest-assets.ts';
import { products } from '../../support/repository.ts';
import { timeBoot, type TimedBoot } from '../boot/timed-boot.ts';
import { formatNumber, formatSpread } from '../report/format-number.ts';
import { ratioOf } from '../report/measurement.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import { summarize } from '../statistics.ts';

const TITLE = 'Boot, to the first answer';

/** Somebody else's agent, or an initrd with it, booted in turns with ours. */
const PEER = 'KIHON_BENCH_PEER';

const ELF_MAGIC = '\x7fELF';

const MACHINES = ['q35', 'microvm'] as const satisfies readonly Machine[];

/** What the median may be, in ms. */
function goalMs(machine: (typeof MACHINES)[number]): number {
  switch (machine) {
    case 'q35':
      return 1500;
    case 'microvm':
      return 1000;
    default:
      return assertNever(machine);
  }
}

interface Contestant {
  readonly name: string;
  readonly machine: (typeof MACHINES)[number];
  readonly initrd: string;
  readonly boots: TimedBoot[];
}

/** The initrd of the peer, made like ours where an agent was named; undefined without a peer. */
async function peerInitrd({ workspace }: BenchContext): Promise<string | undefined> {
  const file = process.env[PEER];
  if (file === undefined || file === '') return undefined;
  const magic = Buffer.alloc(ELF_MAGIC.length);
  const open = openSync(file, 'r');
  readSync(open, magic);
  closeSync(open);
  if (magic.toString('latin1') !== ELF_MAGIC) return file;
  const output = join(workspace.folder, 'peer-initrd.img');
  await buildInitrd({ agent: file, output });
  return output;
}

/** One boot of each in turn; who begins changes every round. */
async function bootInTurns(context: BenchContext, kernel: string, contestants: readonly Contestant[]): Promise<void> {
  const tools = await hostTools(architectureName());
  for (let round = 0; round < context.amount(1, 11); round++) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const { machine, initrd, boots } of order)
      boots.push(await timeBoot({ machine, kernel, initrd }, join(context.workspace.folder, 'boot'), tools));
  }
}

/** Start of QEMU to the first answer on vsock, with the lean kernel; ours on both machines, beside a peer's initrd where one is named. */
export async function measureBoot(context: BenchContext): Promise<SectionReport | SkippedSection> {
  const kernel = join(products, 'vmlinux');
  if (!existsSync(kernel)) return { title: TITLE, skipped: 'no guest kernel was built here; `make kernel` builds one' };
  const peer = await peerInitrd(context);
  const agents = [
    { name: 'Kihon', initrd: context.workspace.initrd },
    ...(peer === undefined ? [] : [{ name: 'peer', initrd: peer }]),
  ];
  const contestants = MACHINES.flatMap((machine) =>
    agents.map((agent): Contestant => ({ ...agent, machine, boots: [] })),
  );
  await bootInTurns(context, kernel, contestants);
  const rows = contestants.map(({ name, machine, boots }) => {
    const times = summarize(boots.map(({ ms }) => ms));
    const goal = goalMs(machine);
    const peers = contestants.find((one) => one.machine === machine && one.name === 'peer')?.boots ?? [];
    const peerTime = summarize(peers.map(({ ms }) => ms)).median;
    return [
      `${machine}, ${name}, ms`,
      formatNumber(Math.min(...boots.map(({ ms }) => ms))),
      formatNumber(times.median),
      formatSpread(times),
      formatNumber(summarize(boots.map(({ firstLineMs }) => firstLineMs)).median),
      formatNumber(summarize(boots.map(({ cpuMs }) => cpuMs)).median),
      ...(name === 'peer' ? ['', ''] : [formatNumber(goal), times.median <= goal ? 'reached' : 'missed']),
      ...(peer === undefined ? [] : [name === 'peer' ? '' : ratioOf('ms', times.median, peerTime).toFixed(2)]),
    ];
  });
  return {
    title: TITLE,
    comparisons: [],
    tables: [
      {
        title: 'boots',
        columns: [
          ...['start of QEMU to the answer', 'best', 'median', 'half of them in', "agent's first line", 'CPU of QEMU'],
          ...['goal', 'verdict'],
          ...(peer === undefined ? [] : ['ratio to the peer']),
        ],
        rows,
      },
    ],
    notes: [
      `${context.amount(1, 11)} boots of each in turns; lean kernel, 1 CPU, 256 MiB, an initrd, a virtio console, vsock, no shared directory`,
      'every agent is asked in the same way: a Check, from its first line on the console on, again and again until one is answered',
      ...(peer === undefined
        ? [`${PEER}=FILE (an agent, or an initrd) is booted with the same kernel and parameters, beside ours`]
        : []),
    ],
    charts: [],
  };
}
