import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startAgent } from '../../support/agent/start-agent.ts';
import { awaitSuccess, create, execTrue, remove, runTrue, start } from '../agent-work.ts';
import { NamespaceShell } from '../peers/namespace-shell.ts';
import { OciRuntime, RUNC } from '../peers/oci-runtime.ts';
import type { BenchContext, SectionReport, SkippedSection } from '../report/section.ts';
import { elapsedMs, interleave, summarize } from '../statistics.ts';

const TITLE = 'Container, on this machine';
/** Runs before the measured ones, of each contestant. */
const WARM_UP = 3;

const CALLS = ['CreateContainer', 'StartContainer', 'WaitProcess', 'RemoveContainer'] as const;

/** A container's life, and an exec, beside runc with an equivalent bundle, in turns and in the same namespaces. */
export async function measureContainer(context: BenchContext): Promise<SectionReport | SkippedSection> {
  if (spawnSync('runc', ['--version']).status !== 0)
    return { title: TITLE, skipped: 'no runc; `bash rootfs-builder/setup/install.sh bench` installs it' };
  const { workspace } = context;
  const { root } = workspace;
  await using agent = await startAgent({ elf: workspace.agent });
  const client = await agent.connect();
  await client.call('CreateSandbox', { sandbox_id: 'bench', hostname: 'bench' });
  await using shell = new NamespaceShell(agent.pid);
  const runc = new OciRuntime(shell, join(workspace.folder, 'bundles'), root, RUNC);
  const rounds = context.amount(5, 101);

  for (let round = 0; round < WARM_UP; round++) {
    await runTrue(client, root);
    await runc.runTrue();
  }
  const run = await interleave(rounds, {
    kihon: () => elapsedMs(() => runTrue(client, root)),
    runc: () => elapsedMs(() => runc.runTrue()),
  });

  const calls: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    const at = [performance.now()];
    const id = await create(client, root);
    at.push(performance.now());
    await start(client, id);
    at.push(performance.now());
    await awaitSuccess(client, id);
    at.push(performance.now());
    await remove(client, id);
    at.push(performance.now());
    calls.push(at.slice(1).map((time, index) => time - (at[index] ?? NaN)));
  }

  await runc.startSleeping();
  const id = await create(client, root, ['/bin/sleep', '100000']);
  await start(client, id);
  const exec = await interleave(rounds, {
    kihon: () => elapsedMs(() => execTrue(client, id)),
    runc: () => elapsedMs(() => runc.execTrue()),
  });
  await runc.removeSleeping();
  await remove(client, id);

  return {
    title: TITLE,
    comparisons: [
      {
        title: 'of `true`',
        peers: [{ key: 'runc', title: 'runc' }],
        rows: [
          { name: 'create, start, wait and remove', unit: 'ms', ours: run.kihon, peers: { runc: run.runc } },
          ...CALLS.map((name, index) => ({
            name: `of it ${name}`,
            unit: 'ms' as const,
            ours: summarize(calls.map((row) => row[index] ?? NaN)),
          })),
          { name: 'exec and wait', unit: 'ms', ours: exec.kihon, peers: { runc: exec.runc } },
        ],
      },
    ],
    tables: [],
    notes: [`medians of ${rounds}, ours and runc's in turns, 9 mounts and 5 new namespaces`],
    charts: [],
  };
}
