import { access, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bootParameters } from '../boot-parameters.ts';
import { BuildFailure } from '../build/failure.ts';
import { BOOT_REQUIREMENTS, checkRequirements } from '../build/requirements.ts';
import { runCommand } from '../build/run-command.ts';
import { barChart } from '../chart/bar-chart.ts';
import { type BootProfile, parseBootLog, profileLog } from './boot-log.ts';
import { type PlainBoot, formatProfile } from './format-profile.ts';
import { sumBySubsystem } from './initcall-subsystem.ts';
import { nameAddresses, parseSystemMap } from './symbol-map.ts';

export interface ProfileOptions {
  readonly kernel: string;
  /** How many rows each table has at most. */
  readonly top: number;
  /** Whether the guest's clock counts its instructions: the same times on any machine, however busy, without what QEMU itself costs. */
  readonly isCounted?: boolean;
  readonly signal?: AbortSignal;
}

/** Boots without instruments: enough for a median on a machine that also does other work. */
const PLAIN_BOOTS = 7;

/** 2 ns an instruction; a clock that does not wait for the host's. TCG without it is about as fast. */
const COUNTED = ['-icount', 'shift=1,sleep=off'];

/** No boot takes this long; QEMU is ended then. */
const BOOT_LIMIT_SECONDS = 60;

/**
 * The first program is the root directory, which cannot be executed, and the second does not exist: the kernel
 * does all it does before user space and panics, so no initrd and no init are needed.
 */
const STOP_AT_INIT = ['rdinit=/', 'init=/none', 'panic=-1'];

/** Replays the whole log at the panic (`panic_print` bit 5), so nothing is printed while the clock runs. */
const WITH_INSTRUMENTS = ['initcall_debug', 'log_buf_len=1M', 'panic_print=0x20'];

/** What boots told. */
export interface BootMeasurement {
  /** For programs: the boots without instruments, and what the boot with them said. */
  readonly facts: { readonly boots: readonly PlainBoot[]; readonly profile: BootProfile };
  /** Markdown tables. */
  readonly text: string;
  /** The initcalls by part of the kernel, as SVG. */
  readonly chart: string;
}

/**
 * Starts a kernel under QEMU without KVM several times and tells how long it took to the first program and where the time went.
 *
 * @throws {BuildFailure} when the kernel is missing or QEMU fails.
 */
export async function profileBoot({
  kernel,
  top,
  isCounted = false,
  signal,
}: ProfileOptions): Promise<BootMeasurement> {
  await access(kernel).catch(() => {
    throw new BuildFailure(`no kernel ${kernel}; build it with: make kernel`);
  });
  await checkRequirements(BOOT_REQUIREMENTS);
  const machine: Machine = { kernel, devices: isCounted ? COUNTED : [], signal };
  const plain: PlainBoot[] = [];
  // Boots that are counted differ by what firmware and interrupts do, not by the machine's load.
  for (let boot = 0; boot < (isCounted ? 2 : PLAIN_BOOTS); boot++) plain.push(await bootPlainly(machine));
  const { console } = await boot(machine, WITH_INSTRUMENTS);
  const profile = profileLog(parseBootLog(await withNames(kernel, console)));
  const parts = sumBySubsystem(profile.initcalls);
  return {
    facts: { boots: plain, profile },
    text: formatProfile(plain, profile, top),
    chart: barChart({
      title: `Initcalls of ${basename(kernel)} by part of the kernel (q35, 1 processor, no KVM)`,
      unit: 'ms',
      series: [isCounted ? '2 ns an instruction' : 'one boot'],
      rows: parts.map(({ name, durationMs, calls }) => ({ label: `${name} (${calls})`, values: [durationMs] })),
    }),
  };
}

/** A kernel without names in it has a System.map beside it. */
async function withNames(kernel: string, log: string): Promise<string> {
  const file = join(dirname(kernel), basename(kernel).replace(/^vmlinu[xz]/, 'System.map'));
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? log : nameAddresses(log, parseSystemMap(text));
}

/** A kernel and what QEMU gets besides. */
interface Machine {
  readonly kernel: string;
  readonly devices: readonly string[];
  readonly signal: AbortSignal | undefined;
}

async function bootPlainly(machine: Machine): Promise<PlainBoot> {
  const { panicAtMs, console } = await boot(machine, []);
  const panic = parseBootLog(console).find(({ text }) => text.startsWith('Kernel panic'));
  if (!panic || panicAtMs === undefined)
    throw new BuildFailure(`${machine.kernel} did not reach its first program:\n${console}`);
  return { kernelMs: panic.timeMs, wallMs: panicAtMs };
}

async function boot(
  { kernel, devices, signal }: Machine,
  extra: readonly string[],
): Promise<{ console: string; panicAtMs: number | undefined }> {
  const lines: string[] = [];
  let panicAtMs: number | undefined;
  const cmdline = [
    ...bootParameters({ accelerator: 'tcg', cpus: 1, console: 'ttyS0' }),
    ...STOP_AT_INIT,
    ...extra,
  ].join(' ');
  const started = performance.now();
  await runCommand(
    'timeout',
    [
      String(BOOT_LIMIT_SECONDS),
      'qemu-system-x86_64',
      ...['-machine', 'q35,accel=tcg,memory-backend=ram', '-cpu', 'max', '-m', '256'],
      ...['-object', 'memory-backend-memfd,id=ram,size=256M,share=on', '-bios', 'qboot.rom'],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
      ...[...devices, '-kernel', kernel, '-append', cmdline],
    ],
    {
      ...(signal ? { signal } : {}),
      onLine: (line) => {
        lines.push(line);
        if (line.includes('Kernel panic')) panicAtMs ??= performance.now() - started;
      },
    },
  );
  return { console: lines.join('\n'), panicAtMs };
}
