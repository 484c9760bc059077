import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { decodeMbr, SECTOR_BYTES, type Partition } from '../../rootfs-builder/src/disk/mbr.ts';
import { rootParameters, type RootType } from '../../rootfs-builder/src/format/root-parameters.ts';
import { BuildError } from '../../rootfs-builder/src/build-error.ts';
import { dmModCreate, type VerityParameters } from '../../rootfs-builder/src/verity/parameters.ts';
import type { GuestRoot } from './guest-root.ts';
import { HostError } from './host-error.ts';
import { measure, readAt } from './measured-image.ts';

/** How an image is used. */
export interface ImageUse {
  readonly attachment?: 'virtio-blk' | 'nvdimm';
  /** File with the root hash of a measured image, or "none" to boot it unchecked; by default it is looked for beside the image. */
  readonly verity?: string;
}

/** The file system that begins at `offset`, by its magic number; undefined when it is none of ours. */
function fileSystemAt(fd: number, offset: number): RootType | undefined {
  const head = readAt(fd, offset, 2048);
  if (head.length < 2048) return undefined;
  // ext4: s_magic of the superblock at 1024 (kernel, filesystems/ext4/super.rst). erofs: its first field. xfs: first bytes.
  if (head.readUInt16LE(1024 + 56) === 0xef53) return 'ext4';
  if (head.readUInt32LE(1024) === 0xe0f5e1e2) return 'erofs';
  return head.toString('latin1', 0, 4) === 'XFSB' ? 'xfs' : undefined;
}

/** The disk's partitions; none when there is no table. */
function partitionsOf(fd: number): Partition[] {
  try {
    return decodeMbr(readAt(fd, 0, SECTOR_BYTES));
  } catch (error) {
    if (error instanceof BuildError) return [];
    throw error;
  }
}

/** What an image file is. */
export interface ImageFacts {
  readonly rootType: RootType;
  /** A disk with Kata's layout, whose root is the first partition; else the file system alone. */
  readonly isPartitioned: boolean;
  readonly sizeBytes: number;
  /** Of a measured image; undefined as well when nothing shall be checked. */
  readonly measured: { readonly verity: VerityParameters; readonly hashPath: string | undefined } | undefined;
}

/**
 * Looks into an image: a disk with Kata's layout, or a bare file system. One with hashes, on the second partition or in `<image>.verity`, is
 * measured with the root hash of a file beside it. Throws HostError when the file is neither, or the hash is not there.
 */
export function inspectImage(path: string, verity?: string): ImageFacts {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new HostError(`no image at ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const sizeBytes = statSync(path).size;
    const bare = fileSystemAt(fd, 0);
    if (bare !== undefined) {
      const hashPath = `${path}.verity`;
      const facts = { rootType: bare, isPartitioned: false, sizeBytes };
      if (!existsSync(hashPath) || verity === 'none') {
        refuseHash(path, verity);
        return { ...facts, measured: undefined };
      }
      const data = { fd, offset: 0, lengthBytes: sizeBytes };
      return { ...facts, measured: { verity: measure(path, { data, hashes: hashPath, verity }), hashPath } };
    }
    const [first, second] = partitionsOf(fd);
    const rootType = first === undefined ? undefined : fileSystemAt(fd, first.startSector * SECTOR_BYTES);
    if (first === undefined || rootType === undefined)
      throw new HostError(
        `${path} is no image of a root file system (ext4, xfs or erofs, alone or on the first partition)`,
      );
    const facts = { rootType, isPartitioned: true, sizeBytes };
    if (second === undefined || verity === 'none') {
      refuseHash(path, verity);
      return { ...facts, measured: undefined };
    }
    const range = ({ startSector, sectors }: Partition): { fd: number; offset: number; lengthBytes: number } => ({
      fd,
      offset: startSector * SECTOR_BYTES,
      lengthBytes: sectors * SECTOR_BYTES,
    });
    const found = measure(path, { data: range(first), hashes: range(second), verity });
    return { ...facts, measured: { verity: found, hashPath: undefined } };
  } finally {
    closeSync(fd);
  }
}

/** The root that an image file is, for QEMU. Throws HostError as `inspectImage` does. */
export function imageRoot(path: string, { attachment = 'virtio-blk', verity }: ImageUse = {}): GuestRoot {
  const { rootType, isPartitioned, sizeBytes, measured } = inspectImage(path, verity);
  const common = { kind: 'disk', path, attachment, sizeBytes } as const;
  if (measured === undefined)
    return { ...common, parameters: rootParameters(isPartitioned ? '/dev/vda1' : '/dev/vda', rootType) };
  const create = isPartitioned
    ? dmModCreate(measured.verity, '/dev/vda1', '/dev/vda2', 0)
    : dmModCreate(measured.verity, '/dev/vda', '/dev/vdb', 1);
  const parameters = [create, ...rootParameters('/dev/dm-0', rootType)];
  return { ...common, ...(measured.hashPath === undefined ? {} : { hashPath: measured.hashPath }), parameters };
}

/** A root hash for an image that has no hashes would be a promise that nobody keeps. */
function refuseHash(path: string, verity: string | undefined): void {
  if (verity !== undefined && verity !== 'none')
    throw new HostError(`${path} is not measured: ${verity} cannot be checked`);
}
