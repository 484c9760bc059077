import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Watched } from '../../support/agent/standing-checks.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { amount } from '../../support/long.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';
import { releaseAgent } from '../../support/repository.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** With these a container may look at every process it sees, and change mounts. */
const strong = [...DEFAULT_CAPABILITIES, 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN'];

/** Entries that lead to whatever program the runtime runs when it executes them. */
function plantEntries(root: string): void {
  writeFileSync(join(root, 'bin/enter-script'), '#!/proc/self/exe\n', { mode: 0o755 });
  symlinkSync('/proc/self/exe', join(root, 'bin/enter-link'));
}

async function plantProgram(root: string, name: string): Promise<void> {
  copyFileSync(await compileProgram(name), join(root, 'bin', name));
  chmodSync(join(root, 'bin', name), 0o755);
}

const stop = (root: string): void => writeFileSync(join(root, 'stop'), '');

/** What the program has to say in the end: nothing was written. Gives the errors it got. */
function refusals(text: string): string[] {
  expect(text).not.toMatch(/WRITTEN|writable/);
  expect(text).toMatch(/^tried \d+$/m);
  return [...text.matchAll(/^error (.*)$/gm)].map(([, error]) => error ?? '').sort();
}

describe('EXE-01: the executable of kihon-oci', { timeout: 120_000 }, () => {
  const fixture = useOwnRuntime();

  it('cannot be written to by a container that catches it', async () => {
    const { runtime } = fixture;
    const program = runtime.argv[0] ?? '';
    const before = hashOf(program);
    const container = await runtime.prepare(['/bin/rewrite-executables'], ({ process }) => {
      process.capabilities = { bounding: strong, effective: strong, permitted: strong };
    });
    const root = join(container.bundle.path, 'rootfs');
    await plantProgram(root, 'rewrite-executables');
    plantEntries(root);
    await container.create();
    await container.start();
    await eventually(async () => expect(await container.stdout()).toContain('ready'));
    for (let round = 0; round < amount(60, 300); round++) {
      const path = ['/bin/true', '/bin/enter-script', '/bin/enter-link'][round % 3] ?? '';
      await runtime.command(['exec', container.id, path, '--version']);
    }
    stop(root);
    await container.stopped();
    // Never "busy", which is no protection: programs end.
    expect(refusals(await container.stdout())).toEqual(['Read-only file system']);
    expect(hashOf(program)).toBe(before);
  });

  it.each(['/bin/enter-script', '/bin/enter-link'])('as the program of a container (%s) does nothing', async (path) => {
    const { runtime } = fixture;
    const before = hashOf(runtime.argv[0] ?? '');
    const container = await runtime.prepare([path]);
    plantEntries(join(container.bundle.path, 'rootfs'));
    const outcome = await runtime.command(['run', '--bundle', container.bundle.path, container.id]);
    expect(outcome.status).not.toBe(0);
    expect(hashOf(runtime.argv[0] ?? '')).toBe(before);
  });
});

describe('EXE-01: the executable of the agent', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  it.each([
    ['the default capabilities', DEFAULT_CAPABILITIES],
    ['CAP_SYS_PTRACE and CAP_SYS_ADMIN', strong],
  ])('cannot be written to by a container with %s', async (_, capabilities) => {
    const elf = join(fixture.roots.folder, 'kihon-agent');
    copyFileSync(releaseAgent, elf);
    const before = hashOf(elf);
    const root = await fixture.roots.copy();
    await plantProgram(root, 'rewrite-executables');
    plantEntries(root);
    await using watched = await Watched.start({ elf });
    const { client } = watched;
    await client.call('CreateSandbox', { sandbox_id: 'pod' });
    const container = await TestContainer.start(client, {
      root,
      run: ['/bin/rewrite-executables'],
      process: { Capabilities: { Bounding: capabilities, Effective: capabilities, Permitted: capabilities } },
    });
    await container.readUntil('ready');
    for (let round = 0; round < amount(60, 300); round++) {
      const path = ['/bin/true', '/bin/enter-script', '/bin/enter-link'][round % 3] ?? '';
      await container.execute([path, '--version']);
    }
    await watched.alive();
    stop(root);
    const errors = refusals(await container.stdout());
    // Who may trace also sees the moment between the fork and the execution of `kihon-init`, when the child is still the agent; that
    // file is busy for as long as there is an agent.
    const expected = capabilities === strong ? ['Read-only file system', 'Text file busy'] : ['Read-only file system'];
    for (const error of errors) expect(expected).toContain(error);
    await container.remove();
    expect(hashOf(elf)).toBe(before);
    expect(await watched.agent.stop()).toBe(143);
    rmSync(elf);
  });
});
