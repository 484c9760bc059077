import { parsePciAddress } from '../../codec/pci-address.ts';

const PREFIX = 'PCIDEVICE_';
const INFO = '_INFO';
const ADDRESSES = /[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]/gi;

/** Addresses on the host to addresses in the guest, both in lower case. */
export type PciAddresses = ReadonlyMap<string, string>;

/** `name=value`; an entry without `=` is refused elsewhere. */
function split(entry: string): { readonly name: string; readonly value: string } {
  const index = entry.indexOf('=');
  return index < 0 ? { name: entry, value: '' } : { name: entry.slice(0, index), value: entry.slice(index + 1) };
}

/** The guest's addresses of a comma list; undefined when one of them is no address, or is not known. */
function translate(value: string, addresses: PciAddresses): string | undefined {
  const guests = value.split(',').map((part) => addresses.get(parsePciAddress(part) ?? ''));
  return guests.includes(undefined) ? undefined : guests.join(',');
}

/**
 * Rewrites the variables by which a device plugin names PCI functions, `PCIDEVICE_<resource>=<address>[,<address>]` and
 * their `_INFO` twins, from the host's addresses to the guest's (contract storage 8.3). A variable with an address that is
 * unknown stays, with its twin.
 */
export function rewritePciEnvironment(env: readonly string[], addresses: PciAddresses): readonly string[] {
  if (addresses.size === 0) return env;
  const translated = new Map<string, string>();
  /** By the name of the twin: the addresses that may be replaced in it. */
  const replaced = new Map<string, ReadonlySet<string>>();
  for (const { name, value } of env.map(split)) {
    if (!name.startsWith(PREFIX) || name.endsWith(INFO)) continue;
    const guests = translate(value, addresses);
    if (guests === undefined) continue;
    translated.set(name, guests);
    replaced.set(`${name}${INFO}`, new Set(value.split(',').map((part) => part.toLowerCase())));
  }
  return env.map((entry) => {
    const { name, value } = split(entry);
    const guests = translated.get(name);
    if (guests !== undefined) return `${name}=${guests}`;
    const known = replaced.get(name);
    if (known === undefined) return entry;
    // In one pass: the guest's address of one function may be the host's address of another.
    const text = value.replace(ADDRESSES, (found) => {
      const host = found.toLowerCase();
      return known.has(host) ? (addresses.get(host) ?? found) : found;
    });
    return `${name}=${text}`;
  });
}
