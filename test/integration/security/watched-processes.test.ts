import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { amount } from '../../support/long.ts';
import { withUserNamespace, type Edit } from '../../support/oci-bundle.ts';
import { exitOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

async function plant(root: string): Promise<void> {
  copyFileSync(await compileProgram('watch-processes'), join(root, 'bin/watch-processes'));
  chmodSync(join(root, 'bin/watch-processes'), 0o755);
  writeFileSync(join(root, 'mark-of-the-container'), '');
}

const tracer = [...DEFAULT_CAPABILITIES, 'CAP_SYS_PTRACE'];

/** Who may watch: root as containerd makes it, and root of a user namespace who may trace whatever belongs to it. */
const watchers: readonly (readonly [string, Edit])[] = [
  ['root with the default capabilities', () => undefined],
  [
    'root of a user namespace with CAP_SYS_PTRACE',
    (config) => {
      withUserNamespace(config, 400_000);
      config.process.capabilities = { bounding: tracer, effective: tracer, permitted: tracer };
    },
  ],
];

describe('EXE-05: a process that enters a container by kihon-oci', { timeout: 120_000 }, () => {
  const runtime = useRuntime(failpointAgent);

  it.each(watchers)('cannot be looked into by %s', async (_, edit) => {
    const container = await runtime().prepare(['/bin/watch-processes', 'kihon'], edit);
    const root = join(container.bundle.path, 'rootfs');
    await plant(root);
    await container.create();
    await container.start();
    await eventually(async () => expect(await container.stdout()).toContain('ready'));
    for (let round = 0; round < amount(60, 300); round++) await runtime().succeed(['exec', container.id, '/bin/true']);
    writeFileSync(join(root, 'stop'), '');
    await container.stopped();
    expect(await container.stdout()).toMatch(/^ready\nmet \d+\n$/);
  });

  /** Where an exec stands still to be looked at, in the order of its work. */
  const steps = ['spawn.child', 'init.start', 'init.enter-root', 'init.user', 'init.capabilities', 'init.ready'];

  it.each(watchers)('cannot be looked into at any step by %s', async (_, edit) => {
    const container = await runtime().prepare('sleep 100', edit);
    await plant(join(container.bundle.path, 'rootfs'));
    await container.create();
    await container.start();
    for (const [index, step] of steps.entries()) {
      const env = { KIHON_FAILPOINTS: `${step}=pause:/never` };
      const paused = runtime().spawn(['exec', container.id, '/bin/true'], 'ignore', env);
      await eventually(async () => {
        const look = ['/bin/watch-processes', 'kihon', 'once'];
        const { stdout, status } = await runtime().command(['exec', container.id, ...look]);
        expect(status).toBe(0);
        // Those of the steps before stand there still.
        expect(stdout).toBe(`met ${index + 1}\n`);
      });
      paused.kill('SIGKILL');
      await exitOf(paused);
    }
  });
});

describe('EXE-05: a process that enters a container by the agent', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  it('cannot be looked into by root with the default capabilities', async () => {
    const root = await fixture.roots.copy();
    await plant(root);
    await using container = await TestContainer.start(fixture.client, { root, run: ['/bin/watch-processes', 'kihon'] });
    await container.readUntil('ready');
    for (let round = 0; round < amount(100, 500); round++) await container.execute(['/bin/true']);
    writeFileSync(join(root, 'stop'), '');
    expect(await container.stdout()).toMatch(/^\n?met \d+\n$/);
  });
});
