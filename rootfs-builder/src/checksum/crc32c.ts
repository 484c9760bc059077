/** Castagnoli's CRC (RFC 3720, appendix B.4), as file systems use it: reflected, polynomial 0x1EDC6F41. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value >>> 0;
});

/** The raw register after `bytes`, from `seed`; callers do their format's inversions. */
export function crc32c(bytes: Uint8Array, seed = 0xffff_ffff): number {
  let value = seed;
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return value >>> 0;
}
