/** QEMU machine types that we drive: a PC with PCI, a minimal one with virtio-mmio, and the generic machine of aarch64. */
export const MACHINES = ['q35', 'microvm', 'virt'] as const;
export type Machine = (typeof MACHINES)[number];

/** The architecture of the guests of a machine type; undefined: that of the host. */
export function architectureOfMachine(machine: Machine | undefined): 'x86_64' | 'aarch64' | undefined {
  switch (machine) {
    case 'q35':
    case 'microvm':
      return 'x86_64';
    case 'virt':
      return 'aarch64';
    case undefined:
      return undefined;
  }
}

/** What runs where nobody chose. */
export function defaultMachine(architecture: string): Machine {
  return architecture === 'aarch64' ? 'virt' : 'q35';
}
