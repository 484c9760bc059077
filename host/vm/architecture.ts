import { arch } from 'node:process';

/** Name of the host's architecture in our build folder and in QEMU's program names. */
export function architectureName(nodeArch: string = arch): string {
  return { x64: 'x86_64', arm64: 'aarch64' }[nodeArch] ?? nodeArch;
}
