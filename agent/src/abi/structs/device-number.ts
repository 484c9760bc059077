/**
 * The `dev_t` of mknod(2) from major and minor: 12 bits of major between 8 low and 12 high bits of minor (the kernel's
 * `new_encode_dev`; the kernel takes 32 bits).
 */
export function encodeDeviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}
