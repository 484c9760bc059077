import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifyProcess, isProcessAlive, type ProcessIdentity } from '../../host/vm/process-identity.ts';
import { createBusyboxRoot } from '../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { describeTree } from '../support/agent/canary.ts';
import { childrenOf, mountTable } from '../support/agent/kernel-view.ts';
import { eventually, within } from '../support/eventually.ts';
import { defaultKernel, findKernel, guestInitrd } from '../support/vm/guest-assets.ts';
import { nodeArguments, repository } from '../support/repository.ts';

const BOOT_MS = 120_000;
const GONE_MS = 60_000;

/** All that a process started, with what those started. */
function descendants(pid: number): ProcessIdentity[] {
  return childrenOf(pid).flatMap((child) => {
    const identity = identifyProcess(child.pid);
    return identity === undefined ? [] : [identity, ...descendants(child.pid)];
  });
}

function names(processes: readonly ProcessIdentity[]): string[] {
  return processes.map(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
    } catch {
      return '';
    }
  });
}

describe('the host command', () => {
  let folder = '';
  let command: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kihon-killed-'));
  });
  afterEach(() => {
    command?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function kihon(...args: readonly string[]): Promise<ChildProcess> {
    const choice = findKernel(defaultKernel());
    if (choice === undefined) throw new Error('no kernel: make setup');
    const env = {
      ...process.env,
      KIHON_STATE_DIR: join(folder, 'state'),
      KIHON_KERNEL: choice.path,
      KIHON_INITRD: await guestInitrd(folder, choice, {}),
    };
    return spawn(process.execPath, nodeArguments('host/cli/main.ts', ...args), {
      cwd: repository,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Runs a container that says `up` and stays. */
  async function runContainer(): Promise<{ child: ChildProcess; started: ProcessIdentity[]; root: string }> {
    const root = join(folder, 'root');
    await createBusyboxRoot(root);
    command = await kihon('run', '--name', 'killed', root, '--', '/bin/sh', '-c', 'echo up; sleep 600');
    const child = command;
    let text = '';
    const up = new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('up\n')) resolve();
      });
      child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.once('exit', () => reject(new Error(`kihon run ended: ${text}`)));
    });
    await within(BOOT_MS, 'the output of the container', up);
    return { child, started: descendants(child.pid as number), root };
  }

  const exited = (child: ChildProcess) =>
    new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    );

  async function leavesNothing(started: readonly ProcessIdentity[]): Promise<void> {
    await eventually(() => expect(names(started.filter((one) => isProcessAlive(one)))).toEqual([]), GONE_MS);
    expect(mountTable(process.pid).filter((line) => line.includes(folder))).toEqual([]);
  }

  it('leaves no process and no mount when it is killed', async () => {
    const { child, started, root } = await runContainer();
    const programs = names(started).join(' ');
    for (const program of ['qemu-system', 'virtiofsd']) expect(programs).toContain(program);
    expect(programs).toMatch(/vhost-device-v|socat/);
    const before = describeTree(root);
    const end = exited(child);
    child.kill('SIGKILL');
    expect((await end).signal).toBe('SIGKILL');
    await leavesNothing(started);
    // The root file system is the user's.
    expect(describeTree(root)).toEqual(before);
    // Its record is stale now, and the next command cleans it up.
    const list = await kihon('ps');
    expect((await exited(list)).code).toBe(0);
    const state = join(folder, 'state');
    expect(existsSync(state) ? readdirSync(state) : []).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing at all when it gets %s', async (signal) => {
    const { child, started } = await runContainer();
    const end = exited(child);
    child.kill(signal);
    // Passed on to the container or taken as the end of the tool: either way it must come to one.
    const isOver = await within(GONE_MS, 'the end of kihon run', end).then(
      () => true,
      () => false,
    );
    if (!isOver) {
      child.kill(signal);
      await within(GONE_MS, `the end of kihon run after a second ${signal}`, end);
    }
    await leavesNothing(started);
    expect(readdirSync(join(folder, 'state'))).toEqual([]);
  });
});
