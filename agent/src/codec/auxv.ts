import { littleEndian } from '../abi/byte-order.ts';

/** The entries of `/proc/self/auxv` of a 64-bit program (getauxval(3)): pairs of a type and a value, the last of type 0. */
export function parseAuxv(bytes: Uint8Array): Record<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Object.create(null) as Record<number, number>;
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const type = Number(view.getBigUint64(at, littleEndian));
    if (type === 0) break;
    values[type] = Number(view.getBigUint64(at + 8, littleEndian));
  }
  return values;
}
