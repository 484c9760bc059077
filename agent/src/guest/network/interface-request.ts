import { invalidArgument } from '../../base/errors.ts';
import { HARDWARE_ADDRESS_BYTES, parseHardwareAddress } from '../../codec/hardware-address.ts';
import { bitsOf, parseIpAddress, type IpPrefix } from '../../codec/ip-address.ts';
import { checkInterfaceName } from '../../codec/netlink/link.ts';
import { parsePciPath, type PciPath } from '../../codec/pci-path.ts';

/** An interface as a host describes it (boot contract, 8.1): texts, not checked. */
export interface InterfaceText {
  readonly name: string;
  readonly addresses: readonly { readonly address: string; readonly mask: string }[];
  readonly mtu: bigint;
  readonly hardwareAddress: string;
  readonly devicePath: string;
  readonly rawFlags: number;
}

/** The same, checked and decoded. */
export interface InterfaceRequest {
  readonly name: string;
  readonly addresses: readonly IpPrefix[];
  readonly mtu: number;
  readonly hardwareAddress: Uint8Array;
  readonly devicePath: PciPath | undefined;
  readonly isNoArp: boolean;
}

/** IFF_NOARP of the flags that a host sends. */
const NOARP = 0x80;
/** The kernel keeps it in an int. */
const MAX_MTU = 0x7fffffffn;

/** `name` of a field, if it is one the kernel takes (API-10). Throws `invalid_argument`. */
export function requireInterfaceName(name: string, field: string): string {
  try {
    checkInterfaceName(name);
  } catch (error) {
    throw invalidArgument(field, error instanceof Error ? error.message : 'not valid');
  }
  // The kernel would look for a free number to put in its place.
  if (name.includes('%')) throw invalidArgument(field, `interface name ${JSON.stringify(name)} is not valid`);
  return name;
}

/** Six bytes. Throws `invalid_argument`. */
export function requireHardwareAddress(text: string, field: string): Uint8Array {
  const address = parseHardwareAddress(text);
  if (address === undefined) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw invalidArgument(field, `${shown} is not a hardware address of ${HARDWARE_ADDRESS_BYTES} bytes`);
  }
  return address;
}

/** An address of either family. Throws `invalid_argument`. */
export function requireIpAddress(text: string, field: string): Uint8Array {
  const address = parseIpAddress(text);
  if (address === undefined) throw invalidArgument(field, `${JSON.stringify(text.slice(0, 60))} is not an IP address`);
  return address;
}

function requirePrefix(entry: InterfaceText['addresses'][number], field: string): IpPrefix {
  const address = requireIpAddress(entry.address, `${field}.address`);
  const length = /^\d{1,3}$/.test(entry.mask) ? Number(entry.mask) : Number.NaN;
  if (!(length <= bitsOf(address))) {
    throw invalidArgument(`${field}.mask`, `${JSON.stringify(entry.mask.slice(0, 20))} is not a prefix length`);
  }
  return { address, length };
}

/** Checks everything before anything is changed (API-10). Throws `invalid_argument` naming the field. */
export function checkInterface(text: InterfaceText, field: string): InterfaceRequest {
  if (text.mtu < 1n || text.mtu > MAX_MTU) throw invalidArgument(`${field}.mtu`, `${text.mtu} is not an MTU`);
  return {
    name: requireInterfaceName(text.name, `${field}.name`),
    addresses: text.addresses.map((entry, index) => requirePrefix(entry, `${field}.IPAddresses[${index}]`)),
    mtu: Number(text.mtu),
    hardwareAddress: requireHardwareAddress(text.hardwareAddress, `${field}.hwAddr`),
    devicePath: text.devicePath === '' ? undefined : parsePciPath(text.devicePath),
    isNoArp: (text.rawFlags & NOARP) !== 0,
  };
}
