import { callNames } from '../../../agent/src/abi/generated/x86_64/seccomp-tables.ts';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { amount } from '../../support/long.ts';
import { withUserNamespace, type Edit } from '../../support/oci-bundle.ts';
import type { OciRuntime } from '../../support/oci-runtime.ts';
import { exitOf, processesOf, useRuntime } from '../../support/oci.ts';
import { failpointAgent } from '../../support/repository.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

async function plant(root: string): Promise<void> {
  copyFileSync(await compileProgram('watch-processes'), join(root, 'bin/watch-processes'));
  chmodSync(join(root, 'bin/watch-processes'), 0o755);
  writeFileSync(join(root, 'mark-of-the-container'), '');
}

/** What the watcher, as the first process of a container, tells of the many that `enter` brings into it. */
async function whatIsSeen(runtime: OciRuntime, edit: Edit, enter: (id: string) => Promise<unknown>): Promise<string> {
  const container = await runtime.prepare(['/bin/watch-processes', 'kihon'], edit);
  const root = join(container.bundle.path, 'rootfs');
  await plant(root);
  await container.create();
  await container.start();
  await eventually(async () => expect(await container.stdout()).toContain('ready'));
  for (let round = 0; round < amount(60, 300); round++) await enter(container.id);
  writeFileSync(join(root, 'stop'), '');
  await container.stopped();
  return await container.stdout();
}

const allSets = (names: readonly string[]) => ({ bounding: [...names], effective: [...names], permitted: [...names] });
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
    const seen = await whatIsSeen(runtime(), edit, (id) => runtime().succeed(['exec', id, '/bin/true']));
    expect(seen).toMatch(/^ready\nmet \d+\n$/);
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

/** Root of the machine's own user namespace who may trace: the kernel keeps nothing from it that it has a number for. */
const tracers: readonly (readonly [string, Edit])[] = [
  ['CAP_SYS_PTRACE', (config) => void (config.process.capabilities = allSets(tracer))],
  [
    'CAP_SYS_PTRACE and a filter, without noNewPrivileges',
    (config) => {
      config.process.capabilities = allSets(tracer);
      config.process.noNewPrivileges = false;
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ERRNO',
        syscalls: [
          { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
          {
            names: callNames.split(' ').filter((name) => name !== 'mkdir' && name !== 'clone3'),
            action: 'SCMP_ACT_ALLOW',
          },
        ],
      };
    },
  ],
];

describe('EXE-05: a process that enters a container whose root may trace', { timeout: 120_000 }, () => {
  const runtime = useRuntime(failpointAgent);
  const environment = { SECRET: 'MARK-OF-THE-HOST' };
  const outside = /outside|secret/;

  it.each(tracers)('gives nothing away that is not the container’s (%s)', async (_, edit) => {
    const seen = await whatIsSeen(runtime(), edit, async (id) => {
      // A tracer that holds it up must not hold the test up.
      const child = runtime().spawn(['exec', id, '/bin/true'], 'ignore', environment);
      expect(await exitOf(child)).toBe(0);
    });
    expect(seen).toMatch(/\nmet \d+\n$/);
    expect(seen).not.toMatch(outside);
  });

  it.each(tracers)('is not there before it has no more rights than the container (%s)', async (_, edit) => {
    const container = await runtime().prepare('sleep 100', edit);
    await plant(join(container.bundle.path, 'rootfs'));
    await container.create();
    await container.start();
    const lookDuring = async (step: string, expected: number, check: (seen: string) => void): Promise<void> => {
      const env = { ...environment, KIHON_FAILPOINTS: `${step}=pause:/never` };
      const before = processesOf(container);
      const paused = runtime().spawn(['exec', container.id, '/bin/true'], 'ignore', env);
      await eventually(async () => {
        // The one that is to be looked at, besides all that earlier ones left.
        expect(processesOf(container).filter((pid) => !before.includes(pid))).not.toEqual([]);
        const { stdout } = await runtime().command(['exec', container.id, '/bin/watch-processes', 'kihon', 'once']);
        expect(stdout).toContain(`met ${expected}\n`);
        check(stdout);
      });
      paused.kill('SIGKILL');
      await exitOf(paused);
    };
    for (const step of [
      'spawn.child',
      'init.start',
      'init.join-namespace',
      'init.enter-root',
      'init.user',
      'init.go-on-inside',
    ])
      await lookDuring(step, 0, (seen) => expect(seen).toBe('met 0\n'));
    for (const [index, step] of ['init.session', 'init.ready'].entries()) {
      await lookDuring(step, index + 1, (seen) => {
        // Not for want of looking.
        expect(seen).toContain('ptrace seized');
        expect(seen).toContain('fd opened');
        expect(seen).not.toMatch(outside);
      });
    }
  });

  it('keeps out as well when the tracer came with an exec', async () => {
    const container = await runtime().prepare('sleep 100');
    await plant(join(container.bundle.path, 'rootfs'));
    await container.create();
    await container.start();
    const look = ['exec', '--cap', 'CAP_SYS_PTRACE', container.id, '/bin/watch-processes', 'kihon', 'once'];
    expect((await runtime().succeed(look)).stdout).toBe('met 0\n');
    const env = { KIHON_FAILPOINTS: 'init.user=pause:/never' };
    const paused = runtime().spawn(['exec', container.id, '/bin/true'], 'ignore', env);
    await eventually(() => expect(processesOf(container).length).toBeGreaterThan(1));
    for (let round = 0; round < 5; round++) expect((await runtime().succeed(look)).stdout).toBe('met 0\n');
    paused.kill('SIGKILL');
    await exitOf(paused);
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

  it('gives nothing away to root with CAP_SYS_PTRACE, nor do terminals', async () => {
    const root = await fixture.roots.copy();
    await plant(root);
    const Capabilities = { Bounding: tracer, Effective: tracer, Permitted: tracer };
    await using container = await TestContainer.start(fixture.client, {
      root,
      run: ['/bin/watch-processes', 'kihon'],
      process: { Capabilities },
    });
    await container.readUntil('ready');
    for (let round = 0; round < amount(100, 500); round++) {
      const terminal = round % 2 === 1;
      expect(await container.execute(['/bin/true'], { process: { Terminal: terminal } })).toMatchObject({ status: 0 });
    }
    // Both streams are the terminal.
    const { stdout, stderr } = await container.execute('tty && echo $$ >/dev/tty', { process: { Terminal: true } });
    expect(stdout + stderr).toMatch(/^\/dev\/pts\/\d+\r\n\d+\r\n$/);
    writeFileSync(join(root, 'stop'), '');
    const seen = await container.stdout();
    expect(seen).toMatch(/met \d+\n$/);
    expect(seen).not.toContain('outside');
  });
});
