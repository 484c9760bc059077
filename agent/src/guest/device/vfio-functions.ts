import { parsePciAddress } from '../../codec/pci-address.ts';
import { parsePciPath, type PciPath } from '../../codec/pci-path.ts';
import type { AttachedDevice } from './attached-device.ts';
import { deviceError } from './device-error.ts';

/** A PCI function that the host passed through. */
export interface VfioFunction {
  /** Its address on the host, by which the workload's variables name it. */
  readonly hostAddress: string;
  /** Where the guest finds it; undefined when the host does not know. */
  readonly path: PciPath | undefined;
}

/**
 * Reads the options of a VFIO device, `<host address>=<guest PCI path>` each (contract storage 8.3). Throws a DomainError
 * `internal` for malformed ones and for a host address that comes twice.
 */
export function parseVfioFunctions({ options }: Pick<AttachedDevice, 'options'>): VfioFunction[] {
  const seen = new Set<string>();
  return options.map((option) => {
    const malformed = (): never => {
      throw deviceError(`Malformed VFIO PCI option ${JSON.stringify(option.slice(0, 100))}`);
    };
    const [host, guest, ...rest] = option.split('=');
    if (host === undefined || guest === undefined || rest.length > 0) return malformed();
    const hostAddress = parsePciAddress(host) ?? malformed();
    if (seen.has(hostAddress)) throw deviceError(`Conflicting VFIO PCI option: ${hostAddress} comes twice`);
    seen.add(hostAddress);
    return { hostAddress, path: guest === '' ? undefined : parsePciPath(guest) };
  });
}
