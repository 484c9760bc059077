/** File type bits of st_mode (inode(7)). */
export const FILE_TYPES = {
  fifo: 0o010000,
  char: 0o020000,
  dir: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;

/** A device number as the kernel stores it in 32 bits (`new_encode_dev` of linux/kdev_t.h): 12 bits and 20. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
