import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Cgroup2Namespace } from '../peers/cgroup2-namespace.ts';
import { NamespaceShell } from '../peers/namespace-shell.ts';
import { OciRuntime, RUNC, type RuntimeCommand } from '../peers/oci-runtime.ts';
import type { Comparison } from '../report/measurement.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import { elapsedMs, interleave, type Samples } from '../statistics.ts';

const TITLE = 'kihon-oci beside runc and crun';
const WARM_UP = 3;
/** An option of crun and ours. */
const NO_CGROUP = '--cgroup-manager=disabled';

interface Contest {
  readonly run: Record<string, Samples>;
  readonly exec: Record<string, Samples>;
}

/** `run` and `exec` of `true` by each, in turns. */
async function compete(contestants: readonly [string, OciRuntime][], rounds: number): Promise<Contest> {
  const each = (work: (runtime: OciRuntime) => Promise<void>): Record<string, () => Promise<number>> =>
    Object.fromEntries(contestants.map(([key, runtime]) => [key, () => elapsedMs(() => work(runtime))]));
  for (const [, runtime] of contestants) for (let count = 0; count < WARM_UP; count++) await runtime.runTrue();
  const run = await interleave(
    rounds,
    each((runtime) => runtime.runTrue()),
  );
  const started: OciRuntime[] = [];
  try {
    for (const [, runtime] of contestants) {
      await runtime.startSleeping();
      started.push(runtime);
    }
    const exec = await interleave(
      rounds,
      each((runtime) => runtime.execTrue()),
    );
    return { run, exec };
  } finally {
    for (const runtime of started) await runtime.removeSleeping();
  }
}

function toComparison(title: string, ours: string, peers: readonly string[], { run, exec }: Contest): Comparison {
  const row = (name: string, samples: Record<string, Samples>): Comparison['rows'][number] => ({
    name,
    unit: 'ms',
    ours: samples[ours] ?? NaN,
    peers: Object.fromEntries(peers.map((key) => [key, samples[key] ?? NaN])),
  });
  return {
    title,
    peers: peers.map((key) => ({ key, title: key })),
    rows: [row('run of `true`', run), row('exec of `true`', exec)],
  };
}

const isInstalled = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** The command line as its users call it: a process for each command, the same bundle, the same mount namespace. */
export async function measureOci(context: BenchContext): Promise<SectionReport | SkippedSection> {
  const peers = ['runc', 'crun'].filter(isInstalled);
  if (peers.length === 0)
    return {
      title: TITLE,
      skipped: 'neither runc nor crun; `bash rootfs-builder/setup/install.sh bench` installs them',
    };
  const { workspace } = context;
  const program = workspace.runtime;
  const kihon: RuntimeCommand = { name: 'kihon', command: `${program} --root /run/kihon-oci` };
  const kihonWithoutCgroup: RuntimeCommand = { name: 'kihon', command: `${kihon.command} ${NO_CGROUP}` };
  const crun: RuntimeCommand = { name: 'crun', command: `crun --root /run/crun ${NO_CGROUP}` };

  await using namespace = await Cgroup2Namespace.create();
  await using shell = new NamespaceShell(namespace.pid);
  await shell.run('mount -t tmpfs none /run');
  const folder = join(workspace.folder, 'oci-bundles');
  const enter = (runtime: RuntimeCommand): [string, OciRuntime] => [
    runtime.name,
    new OciRuntime(shell, folder, workspace.root, runtime),
  ];
  const rounds = context.amount(5, 101);
  const comparisons: Comparison[] = [];
  if (peers.includes('runc')) {
    const contest = await compete([enter(kihon), enter(RUNC)], rounds);
    comparisons.push(toComparison('in a cgroup of its own', 'kihon', ['runc'], contest));
  }
  if (peers.includes('crun')) {
    const contest = await compete([enter(kihonWithoutCgroup), enter(crun)], rounds);
    comparisons.push(toComparison('without a cgroup', 'kihon', ['crun'], contest));
  }
  return {
    title: TITLE,
    comparisons,
    tables: [],
    notes: [
      `medians of ${rounds}, in turns; a process of the shell is in every time`,
      'crun raises RLIMIT_MEMLOCK to load its device program, which needs CAP_SYS_RESOURCE; so it runs without a cgroup',
    ],
    charts: [],
  };
}
