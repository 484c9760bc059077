/** Addresses of a System.map, ascending, with the name at each. */
export interface SymbolMap {
  readonly addresses: readonly bigint[];
  readonly names: readonly string[];
}

/** Reads `System.map` lines (`address type name`, nm(1)); others are passed over. */
export function parseSystemMap(text: string): SymbolMap {
  const entries: { address: bigint; name: string }[] = [];
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]{8,16}) [A-Za-z] (\S+)$/.exec(line);
    // Sections and markers of the linker would hide functions at the same address.
    if (match) entries.push({ address: BigInt(`0x${match[1] ?? '0'}`), name: match[2] ?? '' });
  }
  entries.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  return { addresses: entries.map(({ address }) => address), names: entries.map(({ name }) => name) };
}

/** Name of the symbol at or below an address; undefined below the first. */
export function symbolAt({ addresses, names }: SymbolMap, address: bigint): string | undefined {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((addresses[middle] ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  return names[low - 1];
}

/**
 * Puts names where a kernel without names (KALLSYMS) printed addresses, as `name+0x0/0x0`, which is the form of one that has them.
 */
export function nameAddresses(log: string, map: SymbolMap): string {
  return log.replace(/\b0x(ffff[0-9a-f]{12})\b/g, (text, digits: string) => {
    const name = symbolAt(map, BigInt(`0x${digits}`));
    return name === undefined ? text : `${name}+0x0/0x0`;
  });
}
