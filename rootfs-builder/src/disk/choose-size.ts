import { BuildError } from '../build-error.ts';
import { layoutDisk, MIB, roundUp } from './layout.ts';

/** What Kata's builder adds to a disk with DAX: a header of 2 MiB, and 1 MiB twice less one for the partition's start. */
const DAX_TERM_MIB = 2;
const STEP_MIB = 10;
/** Kata gives up after 20; large trees need more, as the share of free space grows slowly. */
const MAX_STEPS = 500;

/** What the size depends on. */
export interface SizeQuestion {
  /** What `du` says of the tree, in bytes. */
  readonly treeBytes: number;
  readonly dax: boolean;
  readonly verity: boolean;
  /** Free space to add at the end. */
  readonly freeBytes: number;
  readonly alignmentBytes: number;
  /** Free space of an empty file system of a given size, in bytes. */
  readonly freeOf: (sizeBytes: number) => Promise<number>;
}

/**
 * Size of a disk with ext4 or xfs by the algorithm of Kata's image builder: the smallest of S + 10, S + 20... MiB whose
 * empty file system has more than S free, where S is the tree's size in MiB; then the DAX header and the wanted free
 * space, rounded up. Throws BuildError when no size will do.
 */
export async function chooseDiskBytes(question: SizeQuestion): Promise<number> {
  const { dax, verity, freeBytes, alignmentBytes, freeOf } = question;
  const treeMib = Math.max(1, Math.ceil(question.treeBytes / MIB));
  for (let step = 1; step <= MAX_STEPS; step++) {
    const innerMib = treeMib + STEP_MIB * step;
    const { root } = layoutDisk({ totalBytes: innerMib * MIB, dax: false, verity });
    const freeMib = Math.floor((await freeOf(root.lengthBytes)) / MIB);
    if (freeMib > treeMib) return roundUp((innerMib + (dax ? DAX_TERM_MIB : 0)) * MIB + freeBytes, alignmentBytes);
  }
  throw new BuildError(`disk: found no size for a tree of ${treeMib} MiB`);
}

/** Size of a disk for an erofs image of known length, by Kata's formula. */
export function erofsDiskBytes(
  imageBytes: number,
  { dax, verity, freeBytes, alignmentBytes }: Omit<SizeQuestion, 'treeBytes' | 'freeOf'>,
): number {
  const dataMib = Math.floor((imageBytes + MIB) / MIB) + 2;
  const withHashes = verity ? Math.floor((dataMib * 100) / 99) + 1 : dataMib;
  return roundUp((withHashes + (dax ? DAX_TERM_MIB : 0)) * MIB + freeBytes, alignmentBytes);
}
