/** Mounted file systems as a whole. */
import { layouts } from '../abi/layouts.ts';
import { StructView } from '../abi/structs/struct-view.ts';
import * as nr from '../abi/syscalls.ts';
import type { Fd } from './fd.ts';
import { syscall } from './syscall.ts';

/** What statfs(2) told; counts of blocks and inodes. `type` is a *_MAGIC number. */
export interface Statfs {
  readonly type: number;
  readonly blockSize: bigint;
  readonly blocks: bigint;
  readonly blocksFree: bigint;
  readonly blocksAvailable: bigint;
  readonly files: bigint;
  readonly filesFree: bigint;
}

function readStatfs(view: StructView): Statfs {
  const at = layouts.statfs;
  return {
    type: Number(view.u64(at.f_type)),
    blockSize: view.u64(at.f_bsize),
    blocks: view.u64(at.f_blocks),
    blocksFree: view.u64(at.f_bfree),
    blocksAvailable: view.u64(at.f_bavail),
    files: view.u64(at.f_files),
    filesFree: view.u64(at.f_ffree),
  };
}

export function statfs(path: string): Statfs {
  const view = new StructView(layouts.statfs.sizeof);
  syscall('statfs', path, nr.SYS_statfs, path, view.bytes);
  return readStatfs(view);
}

export function fstatfs(fd: Fd): Statfs {
  const view = new StructView(layouts.statfs.sizeof);
  syscall('fstatfs', fd.what, nr.SYS_fstatfs, fd.number, view.bytes);
  return readStatfs(view);
}

/** sync(2). May block for as long as a device does: offload it. */
export function sync(): void {
  syscall('sync', '', nr.SYS_sync);
}
