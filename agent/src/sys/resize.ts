/** Growing mounted file systems. */
import { EXT4_IOC_RESIZE_FS } from '../abi/constants.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { syscall } from './syscall.ts';

/** Makes the mounted ext4 that holds the open directory `blocks` blocks large; EINVAL to shrink. Takes as long as its device. */
export function resizeExt4(directory: Fd, blocks: bigint): void {
  const count = new StructView(8).setU64(0, blocks);
  const subject = `${directory.what} EXT4_IOC_RESIZE_FS ${blocks}`;
  syscall('ioctl', subject, nr.SYS_ioctl, directory.number, EXT4_IOC_RESIZE_FS, count.bytes);
}
