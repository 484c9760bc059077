import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Scope } from '../../../agent/src/base/scope.ts';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { HelperProcess } from '../../../host/vm/helper-process.ts';
import { findFirmware } from '../../../host/vm/firmware.ts';
import { kernelCommandLine } from '../../../host/vm/kernel-command-line.ts';
import type { Machine } from '../../../host/vm/machine.ts';
import { qemuArguments } from '../../../host/vm/qemu-arguments.ts';
import { tscFrequencyKhz } from '../../../host/vm/tsc-frequency.ts';
import { dialVsock, startVsock } from '../../../host/vm/vsock-transport.ts';
import { cpuMs } from '../../support/agent/kernel-view.ts';
import type { hostTools } from '../../support/vm/guest-assets.ts';

const API_PORT = 1024;
const MEMORY_MIB = 256;
const LIMIT_MS = 60_000;

/** What is booted; nothing in it says whose agent it is. */
export interface BootSubject {
  readonly machine: Machine;
  readonly kernel: string;
  readonly initrd: string;
  /** More words for the kernel. */
  readonly parameters?: readonly string[];
}

/** One boot, counted from the start of QEMU. */
export interface TimedBoot {
  /** To the answer to the first `Check`. */
  readonly ms: number;
  /** To the agent's first line on the console; the kernel is quiet. */
  readonly firstLineMs: number;
  /** Of QEMU, all threads, until the answer. It does not grow while others have the CPU. */
  readonly cpuMs: number;
}

/** Settles with the first `{` on the console: agents log JSON. A connection made before the guest has its vsock driver can end vhost-device-vsock. */
function firstLogLine(console: Duplex, qemu: HelperProcess, logPath: string): Promise<void> {
  let text = '';
  console.setEncoding('latin1');
  return new Promise((resolve, reject) => {
    console.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('{')) resolve();
    });
    const late = setTimeout(
      () => reject(new Error(`no agent after ${LIMIT_MS / 1000} s; console: ${text.slice(-400)}`)),
      LIMIT_MS,
    );
    const settled = (): void => clearTimeout(late);
    void qemu.exited.then(() => {
      settled();
      reject(new Error(`QEMU ended: ${qemu.lastWords()} (${logPath}); console: ${text.slice(-400)}`));
    });
    console.once('close', settled);
  });
}

/**
 * Boots a guest with an initrd, one processor and no shared directory, asks its agent a `Check` as soon as that is possible, and ends it.
 * Every agent is asked in the same way: from its first line on the console on, until one is answered.
 */
export async function timeBoot(
  subject: BootSubject,
  folder: string,
  tools: Awaited<ReturnType<typeof hostTools>>,
): Promise<TimedBoot> {
  await using scope = new Scope();
  mkdirSync(folder, { recursive: true });
  scope.defer(() => rmSync(folder, { recursive: true, force: true }));
  const vsock = await startVsock(tools.vsock, folder, { timeoutMs: LIMIT_MS });
  scope.defer(() => vsock.helper?.stop());
  const common = { machine: subject.machine, accelerator: tools.accelerator, cpus: 1, console: 'hvc0' } as const;
  const args = qemuArguments({
    ...common,
    memoryMib: MEMORY_MIB,
    firmware: findFirmware(),
    kernel: subject.kernel,
    root: { kind: 'initrd', path: subject.initrd },
    commandLine: kernelCommandLine({
      ...common,
      tscKhz: tscFrequencyKhz(),
      readyPort: undefined,
      verbose: false,
      extra: subject.parameters ?? [],
    }),
    vsock: vsock.backend,
    share: undefined,
    qmpFd: 3,
    consoleFd: 4,
    extra: [],
  });
  const logPath = join(folder, 'qemu.log');
  const started = performance.now();
  const qemu = await HelperProcess.start({ command: [tools.qemuPath, ...args], logPath, extraPipes: 2 });
  scope.defer(() => qemu.stop());
  const consoleStream = qemu.child.stdio[4] as Duplex;
  await firstLogLine(consoleStream, qemu, logPath);
  const firstLineMs = performance.now() - started;
  const client = new AgentClient(await dialVsock(vsock.address, API_PORT, { timeoutMs: LIMIT_MS }));
  scope.defer(() => client.close());
  await client.check();
  return { ms: performance.now() - started, firstLineMs, cpuMs: cpuMs(qemu.child.pid ?? 0) };
}
