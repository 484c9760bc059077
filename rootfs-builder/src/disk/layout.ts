/**
 * Kata's disk: an msdos label whose first partition is the root file system. With DAX the file begins with 2 MiB for the
 * namespace's metadata, and there are two partition tables that show the same bytes: one for who sees the whole file
 * (virtio-blk), one at 2 MiB for who sees the namespace's data area only (the guest's pmem device).
 */
import { BuildError } from '../build-error.ts';
import { DAX_BLOCK_OFFSET, DAX_DATA_OFFSET, encodeDaxBlock } from './dax-block.ts';
import { encodeMbr, SECTOR_BYTES } from './mbr.ts';

export const MIB = 1024 * 1024;
/** Where the first partition begins in what a partition table describes. */
const ROOT_START = MIB;
/** Share of a measured disk that is data; the rest holds the hashes, which take 1/127 of it. */
const DATA_PERCENT = 99;

/** What a disk shall be. */
export interface DiskShape {
  /** Of the whole file; a multiple of 1 MiB. */
  readonly totalBytes: number;
  readonly dax: boolean;
  readonly verity: boolean;
}

/** A range of the file. */
export interface DiskRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Where everything is. */
export interface DiskLayout {
  readonly root: DiskRange;
  readonly hashes?: DiskRange;
}

/** Throws BuildError when the disk is too small to have any root. */
export function layoutDisk({ totalBytes, dax, verity }: DiskShape): DiskLayout {
  if (totalBytes % MIB !== 0) throw new BuildError(`disk: ${totalBytes} bytes are no multiple of 1 MiB`);
  const header = dax ? DAX_DATA_OFFSET : 0;
  const start = header + ROOT_START;
  // With verity the split is taken from the whole file's size, as Kata's builder has it.
  const end = verity ? Math.floor((totalBytes / MIB) * DATA_PERCENT) / 100 : totalBytes / MIB;
  const rootEnd = Math.floor(end) * MIB;
  if (rootEnd <= start)
    throw new BuildError(`disk: ${totalBytes / MIB} MiB are too small; the tables alone take ${start / MIB} MiB`);
  const root = { offset: start, lengthBytes: rootEnd - start };
  return verity ? { root, hashes: { offset: rootEnd, lengthBytes: totalBytes - rootEnd } } : { root };
}

/** The tables and the DAX block, with the places where they go. */
export function diskTables({ root, hashes }: DiskLayout, dax: boolean, identifier: number): [number, Uint8Array][] {
  const table = (base: number): Uint8Array =>
    encodeMbr(
      [{ range: root, bootable: hashes !== undefined }, ...(hashes === undefined ? [] : [{ range: hashes }])].map(
        ({ range, bootable = false }) => ({
          startSector: (range.offset - base) / SECTOR_BYTES,
          sectors: range.lengthBytes / SECTOR_BYTES,
          bootable,
        }),
      ),
      identifier,
    );
  if (!dax) return [[0, table(0)]];
  return [
    [0, table(0)],
    [DAX_BLOCK_OFFSET, encodeDaxBlock({ dataOffset: DAX_DATA_OFFSET, alignment: DAX_DATA_OFFSET })],
    [DAX_DATA_OFFSET, table(DAX_DATA_OFFSET)],
  ];
}

/** `bytes` rounded up to a multiple of `unit`. */
export function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}
