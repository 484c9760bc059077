import type { Command } from 'commander';
import { runDemo } from '../demo.ts';
import { addVmOptions, type RunFlags } from '../run-options.ts';

/** `kihon demo`: shows a container in a VM, phase by phase, and that nothing is left of it. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .summary('show a container in a VM, from boot to power-off')
    .description(
      'Boots a VM, runs a container in it on a root filesystem shared by virtio-fs, prints what it printed, the time of\n' +
        "each phase and the guest's memory use, powers the VM off and proves that nothing is left.",
    )
    .argument('[rootfs]', 'directory with a root filesystem (default: one made of busybox-static)');
  addVmOptions(command).action(async (rootfs: string | undefined, flags: RunFlags) => await runDemo(rootfs, flags));
}
