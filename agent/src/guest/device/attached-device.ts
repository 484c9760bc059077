/** A device that the host attached for a container; the fields of the API's Device message. */
export interface AttachedDevice {
  /** e.g. `blk`, `vfio-pci`. */
  readonly type: string;
  /** Address by which the guest finds it: PCI path, SCSI address. */
  readonly id: string;
  /** Node in the guest, where the host can know it. */
  readonly vmPath: string;
  /** Path in `linux.devices` of the container's spec. */
  readonly containerPath: string;
  /** For VFIO: `<host address>=<guest PCI path>`. */
  readonly options: readonly string[];
}
