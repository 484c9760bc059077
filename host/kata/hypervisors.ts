/** How a class of hypervisors takes a guest: `hypervisor` table of Kata's configuration, and which root it can boot. */
export interface HypervisorClass {
  /** Name as in `configuration-<name>.toml` and in Kata's runtime classes. */
  readonly name: 'qemu' | 'clh' | 'fc';
  readonly title: string;
  /** Key below `[hypervisor]`. */
  readonly table: 'qemu' | 'clh' | 'firecracker';
  /** What it boots our guest from. Firecracker attaches an initrd as a disk, so it gets the image. */
  readonly root: 'initrd' | 'image';
  /** Memory that a sandbox of this class costs the host beside its containers, for the scheduler (`overhead.podFixed`). */
  readonly overheadMemory: string;
  readonly overheadCpu: string;
}

export const HYPERVISORS: readonly HypervisorClass[] = [
  { name: 'qemu', title: 'QEMU', table: 'qemu', root: 'initrd', overheadMemory: '96Mi', overheadCpu: '100m' },
  { name: 'clh', title: 'Cloud Hypervisor', table: 'clh', root: 'initrd', overheadMemory: '64Mi', overheadCpu: '100m' },
  {
    name: 'fc',
    title: 'Firecracker',
    table: 'firecracker',
    root: 'image',
    overheadMemory: '48Mi',
    overheadCpu: '100m',
  },
];

/** The class that a table below `[hypervisor]` configures; undefined for tables that we have no guest for. */
export function classOfTable(table: string): HypervisorClass | undefined {
  return HYPERVISORS.find((candidate) => candidate.table === table);
}

/** Name of the runtime, as handler of a RuntimeClass and as folder of its configuration. */
export function runtimeName({ name }: HypervisorClass): string {
  return `kata-kihon-${name}`;
}
