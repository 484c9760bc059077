/** The kernel's random number generator. */
import { O_RDWR, RNDADDTOENTCNT, RNDRESEEDCRNG } from '../abi/constants.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import { open, writeAll } from './file.ts';
import { syscall } from './syscall.ts';

/**
 * Mixes `seed` into the pool, credits `bits` of it as random, and has the generator take its key from the pool (random(4)). ENODATA
 * before the pool was ready for the first time. Needs CAP_SYS_ADMIN.
 */
export function reseedRandom(seed: Uint8Array, bits: number): void {
  using device = open('/dev/random', O_RDWR);
  writeAll(device, seed);
  // An int, which the kernel copies.
  const count = new StructView(4).setU32(0, bits);
  syscall('ioctl', '/dev/random RNDADDTOENTCNT', nr.SYS_ioctl, device.number, RNDADDTOENTCNT, count.bytes);
  syscall('ioctl', '/dev/random RNDRESEEDCRNG', nr.SYS_ioctl, device.number, RNDRESEEDCRNG, 0);
}
