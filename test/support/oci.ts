import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { HostMachine } from './oci-machine.ts';
import { OciRuntime, type OciContainer } from './oci-runtime.ts';
import { releaseAgent, runtimeOf } from './repository.ts';

/** Our runtime for the tests of one file, and what the suites of any runtime do not need. */
export class KihonRuntime extends OciRuntime {
  readonly #children = new Set<ChildProcess>();

  /** Starts the command with these arguments and gives the child; it is killed after the test. */
  spawn(
    args: readonly string[],
    stdio: StdioOptions = 'pipe',
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const [program = '', ...before] = this.argv;
    const child = spawn(program, [...before, '--root', this.stateFolder, ...args], {
      stdio,
      cwd: '/',
      env: { PATH: process.env['PATH'], ...env },
    });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  /** The state directories that are there. */
  get stateDirectories(): readonly string[] {
    try {
      return readdirSync(this.stateFolder);
    } catch {
      return [];
    }
  }

  stopChildren(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#children.clear();
  }
}

/** Numbers of the processes in a container's cgroup, wherever this machine has its v2 hierarchy; none while there is no such cgroup. */
export function processesOf({ id }: OciContainer): string[] {
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].flatMap((root) => {
    try {
      return readFileSync(`${root}/${id}/cgroup.procs`, 'latin1').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  });
}

/** Exit code of a child, 128 and the number of the signal that ended it. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    const report = (code: number | null, signal: NodeJS.Signals | null): void =>
      resolve(code ?? (signal === 'SIGKILL' ? 137 : 143));
    if (child.exitCode !== null || child.signalCode !== null) report(child.exitCode, child.signalCode);
    else child.on('exit', report);
  });
}

/** All that comes from a stream of a child. */
export async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  if (stream !== null) for await (const chunk of stream) text += String(chunk);
  return text;
}

/**
 * `kihon-oci` for the tests of a file, with busybox roots and a state folder of its own. After each test no process, mount, cgroup or
 * state is left, or the test fails. Files that use it run side by side.
 */
export function useRuntime(elf = releaseAgent): () => KihonRuntime {
  let machine: HostMachine | undefined;
  let runtime: KihonRuntime | undefined;
  beforeAll(async () => {
    machine = await HostMachine.start();
    const program = join(machine.folder, 'kihon-oci');
    await symlink(runtimeOf(elf), program);
    runtime = new KihonRuntime('kihon-oci', machine, [program]);
  });
  afterEach(async () => {
    runtime?.stopChildren();
    await runtime?.verify();
    expect(runtime?.stateDirectories ?? []).toEqual([]);
  });
  afterAll(async () => machine?.[Symbol.asyncDispose]());
  return () => {
    if (runtime === undefined) throw new Error('the runtime is there in tests only');
    return runtime;
  };
}
