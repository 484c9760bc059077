import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Size of the smallest ROM that QEMU maps at the end of the first megabyte and of the 4 GiB space. */
const ROM_BYTES = 64 * 1024;

/** The CPU starts here, 16 bytes below the end of the ROM (Intel SDM vol. 3, "First Instruction Executed"). */
const RESET_VECTOR = ROM_BYTES - 16;

/** Limit for a VM that runs two instructions. */
const TRIAL_TIMEOUT_MS = 5000;

/** I/O port of the isa-debug-exit device, and the value written: QEMU then exits with (value << 1) | 1. */
const EXIT_PORT = 0xf4;
const EXIT_VALUE = 0x10;

/** A ROM whose whole program is `mov al, EXIT_VALUE; out EXIT_PORT, al; hlt`. */
export function trialRom(): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES).fill(0xf4);
  rom.set([0xb0, EXIT_VALUE, 0xe6, EXIT_PORT, 0xf4], RESET_VECTOR);
  return rom;
}

/**
 * Boots a VM of two instructions with the given accelerator.
 *
 * @returns undefined when it ran, else what went wrong
 */
export async function runKvmTrial(qemuPath: string, accelerator: 'kvm' | 'tcg'): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'kihon-trial-'));
  try {
    const rom = join(directory, 'rom');
    await writeFile(rom, trialRom());
    const machine = ['-machine', `pc,accel=${accelerator}`, '-m', '16', '-nodefaults', '-no-user-config'];
    const devices = ['-display', 'none', '-bios', rom, '-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=4`];
    return await new Promise((resolve) => {
      execFile(
        qemuPath,
        [...machine, ...devices],
        { timeout: TRIAL_TIMEOUT_MS, killSignal: 'SIGKILL' },
        (error, _stdout, stderr) => {
          if (error?.code === ((EXIT_VALUE << 1) | 1)) resolve(undefined);
          else resolve(stderr.trim().split('\n').at(-1) || (error?.killed ? 'no answer' : 'it ended by itself'));
        },
      );
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
