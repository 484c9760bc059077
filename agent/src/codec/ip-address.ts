/** IP addresses as bytes in network order, 4 or 16 of them, and as text (RFC 4291 section 2.2, RFC 5952). */

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;
/** Longest text of an address: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`. */
const MAX_TEXT = 45;

/** An address and how many of its leading bits count. */
export interface IpPrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

export const isIpv4 = (address: Uint8Array): boolean => address.length === IPV4_BYTES;

/** Bits of an address. */
export const bitsOf = (address: Uint8Array): number => address.length * 8;

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  // A leading zero means octal to some programs and nothing to others, so it is refused.
  if (parts.length !== IPV4_BYTES || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : undefined;
}

/** Groups of one side of `::`; a dotted IPv4 address may stand for the last two. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part);
      if (ipv4 === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const isShort = halves.length === 2;
  const head = parseGroups(halves[0] ?? '', !isShort);
  const tail = parseGroups(halves[1] ?? '', true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = IPV6_GROUPS - head.length - tail.length;
  if (isShort ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The bytes of an address, undefined for anything else; zones (`%eth0`) are not taken. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (text.length > MAX_TEXT) return undefined;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** `ADDRESS/LENGTH`, or an address alone, which counts whole. */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const [left = '', right, ...more] = text.split('/');
  const address = parseIpAddress(left);
  if (address === undefined || more.length > 0) return undefined;
  if (right === undefined) return { address, length: bitsOf(address) };
  if (!/^\d{1,3}$/.test(right) || Number(right) > bitsOf(address)) return undefined;
  return { address, length: Number(right) };
}

/** Start and length of the longest run of at least two zero groups, the first one of equals. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
    start = Math.max(start, end - 1);
  }
  return best;
}

/** The text of an address: dotted, or the one canonical form of RFC 5952. */
export function formatIpAddress(address: Uint8Array): string {
  if (address.length === IPV4_BYTES) return address.join('.');
  if (address.length !== IPV6_BYTES) throw new RangeError(`an IP address of ${address.length} bytes`);
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  const groups = Array.from({ length: IPV6_GROUPS }, (_, index) => view.getUint16(index * 2));
  const hex = groups.map((group) => group.toString(16));
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return `::ffff:${address.subarray(12).join('.')}`;
  const { start, length } = longestZeros(groups);
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The network's last address: all bits behind the prefix set. */
export function broadcastOf({ address, length }: IpPrefix): Uint8Array {
  return address.map((byte, index) => byte | (0xff >> Math.min(8, Math.max(0, length - index * 8))));
}
