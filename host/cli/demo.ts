import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { Scope } from '../../agent/src/base/scope.ts';
import { Sandbox, type SandboxPhase } from '../sdk/sandbox.ts';
import { defaultPlaces, locateInitrd, locateKernel } from '../vm/assets.ts';
import { HostError } from '../vm/host-error.ts';
import { isProcessAlive } from '../vm/process-identity.ts';
import { makeBusyboxRootfs } from './busybox-rootfs.ts';
import { Interruption } from './interruption.ts';
import { sandboxOptions, type RunFlags } from './run-options.ts';
import { describeAccelerator, formatMs } from './say.ts';

/** What the container does; `uname -r` tells whose kernel it runs on. */
const SCRIPT = 'echo "Hello from $(hostname), process $$ of $(id -un)"; uname -srm; cat /proc/meminfo';

/** What each phase means to somebody who sees it for the first time. */
const PHASES: Readonly<Record<SandboxPhase, string>> = {
  prepare: 'host looked at, everything found',
  helpers: 'virtiofsd and vsock device started',
  boot: 'VM booted, agent ready',
  connect: 'connected to the agent over vsock',
  sandbox: 'sandbox created, shared directory mounted',
  container: 'container created',
};

const MIB = 1024 * 1024;

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

function phaseLine(text: string, ms: number): void {
  line(`  ${text.padEnd(46)}${formatMs(ms).padStart(10)}`);
}

/** Kibibytes of a line of /proc/meminfo. */
export function memoryField(meminfo: string, name: string): number | undefined {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib);
}

/** Mount points of this process, for a comparison. */
function mountPoints(): string {
  return readFileSync('/proc/self/mountinfo', 'latin1');
}

/** Boots, runs, shows, ends, and checks that nothing is left. @throws HostError when something is */
export async function runDemo(rootfs: string | undefined, flags: RunFlags): Promise<void> {
  using interruption = new Interruption();
  await using scope = new Scope();
  const began = performance.now();
  const mountsBefore = mountPoints();
  const places = defaultPlaces();
  const kernel = locateKernel(places, flags.kernel);
  const initrd = locateInitrd(places, flags.initrd, kernel);
  line(`kernel  ${kernel} (${(statSync(kernel).size / MIB).toFixed(1)} MiB)`);
  line(`initrd  ${initrd} (${(statSync(initrd).size / MIB).toFixed(2)} MiB)`);
  const root = rootfs ?? (await makeBusyboxRootfs(places));
  if (rootfs === undefined) scope.defer(() => rmSync(root, { recursive: true, force: true }));

  const box = await Sandbox.create(sandboxOptions(root, ['/bin/sh', '-c', SCRIPT], flags), {
    signal: interruption.signal,
    isStarted: false,
    onAccelerator: (accelerator) => line(`CPU     ${describeAccelerator(accelerator)}`),
    onPhase: (phase, ms) => phaseLine(PHASES[phase], ms),
  });
  scope.defer(() => box.close());

  const ran = performance.now();
  const process_ = box.container.initProcess;
  const chunks: Buffer[] = [];
  process_.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  process_.stderr?.pipe(process.stderr, { end: false });
  await box.container.start();
  process_.stdin.end();
  const exitCode = await Promise.race([process_.wait(), box.vm.failure, abortOf(interruption.signal)]);
  phaseLine(`container ran and ended with exit code ${exitCode}`, performance.now() - ran);
  const output = Buffer.concat(chunks).toString('utf8');
  const split = output.indexOf('MemTotal:');
  const greeting = output.slice(0, split < 0 ? undefined : split).trimEnd();
  const meminfo = split < 0 ? '' : output.slice(split);

  const ended = performance.now();
  const helpers = box.vm.helpers;
  await box.close();
  phaseLine('container removed, VM powered off', performance.now() - ended);
  phaseLine('all together', performance.now() - began);

  line('');
  line('The container said:');
  for (const text of greeting.split('\n')) line(`  | ${text}`);
  line(`The host runs       Linux ${release()}`);
  const total = memoryField(meminfo, 'MemTotal');
  const available = memoryField(meminfo, 'MemAvailable');
  if (total !== undefined && available !== undefined) {
    const mib = (kib: number): string => (kib / 1024).toFixed(1);
    line(`Guest memory        ${mib(total - available)} MiB used of ${mib(total)} MiB, container included`);
  }
  await scope.unwind();
  const left = [
    ...helpers.filter(isProcessAlive).map(({ pid }) => `process ${pid}`),
    ...(mountPoints() === mountsBefore ? [] : ['a mount']),
    ...[box.entry.directory, ...(rootfs === undefined ? [root] : [])].filter((path) => existsSync(path)),
  ];
  if (left.length > 0) throw new HostError(`left behind: ${left.join(', ')}`);
  line(`Left behind         nothing: no process (${helpers.length} ended), mount, socket or file`);
  if (exitCode !== 0) throw new HostError(`the container ended with exit code ${exitCode}`);
}

async function abortOf(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    if (signal.aborted) reject(signal.reason as Error);
  });
}
