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

export function isMachine(text: string): text is Machine {
  return (MACHINES as readonly string[]).includes(text);
}

/** How the guest's vsock device is provided (`vsock-transport.ts`). */
export type VsockBackend =
  | { readonly kind: 'vhost-user'; readonly socketPath: string }
  | { readonly kind: 'vhost-kernel'; readonly cid: number };

/** One VM as QEMU shall start it. Paths are absolute. */
export interface QemuConfig {
  readonly machine: Machine;
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryMib: number;
  readonly cpus: number;
  /** Firmware of a q35 machine; undefined is QEMU's own choice. */
  readonly firmware?: string | undefined;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly console: 'hvc0' | 'ttyS0';
  readonly vsock: VsockBackend;
  /** Socket of virtiofsd and the tag under which the guest mounts it. */
  readonly share: { readonly socketPath: string; readonly tag: string } | undefined;
  /** Inherited descriptors of the QMP and the console stream. */
  readonly qmpFd: number;
  readonly consoleFd: number;
  /** More arguments, last. */
  readonly extra: readonly string[];
}
