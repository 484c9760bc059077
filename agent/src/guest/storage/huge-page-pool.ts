import type { KernelFiles } from '../files/kernel-files.ts';
import type { HugePageRequest } from './ephemeral-options.ts';
import { storageFailure } from './storage-error.ts';

function poolPath(pageSizeBytes: bigint): string {
  return `/sys/kernel/mm/hugepages/hugepages-${pageSizeBytes / 1024n}kB/nr_hugepages`;
}

function poolSize(files: KernelFiles, path: string): bigint {
  const text = files.tryRead(path)?.trim();
  if (text === undefined || !/^\d{1,19}$/.test(text)) throw storageFailure(`the guest has no huge page pool ${path}`);
  return BigInt(text);
}

/**
 * Adds pages to the guest's pool; takes them back and throws when the kernel cannot find enough. Upstream writes an absolute
 * number, so a second volume of the same page size takes the first one's pages.
 */
export function growHugePagePool(files: KernelFiles, request: HugePageRequest): void {
  const path = poolPath(request.pageSizeBytes);
  const before = poolSize(files, path);
  files.write(path, String(before + request.pageCount));
  const gained = poolSize(files, path) - before;
  if (gained >= request.pageCount) return;
  files.write(path, String(before));
  throw storageFailure(`Only allocated ${gained} of ${request.pageCount} hugepages of size ${request.pageSizeBytes}`);
}

/** Gives pages back, as far as they are there. */
export function shrinkHugePagePool(files: KernelFiles, request: HugePageRequest): void {
  const path = poolPath(request.pageSizeBytes);
  const before = poolSize(files, path);
  files.write(path, String(before > request.pageCount ? before - request.pageCount : 0n));
}
