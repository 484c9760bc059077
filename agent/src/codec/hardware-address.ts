/** Ethernet addresses: six bytes, and six pairs of hexadecimal digits with colons. */

export const HARDWARE_ADDRESS_BYTES = 6;

/** The bytes of an address, undefined for anything else. */
export function parseHardwareAddress(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16));
}

/** Upper-case text, as Kata's agent prints it; empty for an address of another length (a tunnel's is an IP address). */
export function formatHardwareAddress(address: Uint8Array): string {
  if (address.length !== HARDWARE_ADDRESS_BYTES) return '';
  return Array.from(address, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}
