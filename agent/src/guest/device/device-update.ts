/** What a device of the host's spec is in the guest. */
export interface DeviceUpdate {
  /** Path of the device in the spec. */
  readonly containerPath: string;
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Its path in the container from now on; undefined: it stays. */
  readonly path?: string;
}

/** What came of one attached device. */
export interface FoundDevice {
  /** Undefined for what needs no node. */
  readonly update: DeviceUpdate | undefined;
  /** Passed-through functions: address on the host, address in the guest. */
  readonly pciAddresses: readonly (readonly [host: string, guest: string])[];
  readonly isVfio: boolean;
}
