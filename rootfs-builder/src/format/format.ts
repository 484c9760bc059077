import type { Written } from '../output/write-output.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { ImageCompression } from './image-compression.ts';

/**
 * What a tree can be written as.
 * - `initrd`: a cpio archive that the kernel unpacks into memory
 * - `ext4`, `erofs`, `xfs`: a bare file system without a partition table
 * - `disk`: a partitioned disk with Kata's layout, the root file system on its first partition
 * - `extension`: a guest extension: a disk with erofs, to be measured by `verity`
 * - `tar`: one archive; `oci`: a directory with the OCI image layout; `oci-archive`: that directory as one tar file
 */
export const FORMATS = ['initrd', 'ext4', 'erofs', 'xfs', 'disk', 'extension', 'tar', 'oci', 'oci-archive'] as const;
export type Format = (typeof FORMATS)[number];

/** File systems that a disk's root may have. */
export const ROOT_TYPES = ['ext4', 'erofs', 'xfs'] as const;
export type RootType = (typeof ROOT_TYPES)[number];

/** A dm-verity hash tree beside (file systems) or inside (disks) the image. */
export interface VerityRequest {
  /** Names the file with the root hash, `root_hash_<variant>.txt`. Letters, digits, `_`, `.` and `-`. */
  readonly variant: string;
  /** In hexadecimal, up to 256 bytes; derived from the content of the image when absent, so that it is the same each time. */
  readonly salt?: string;
}

/** What a container engine does with the image unless told otherwise (OCI image-spec, config.md). */
export interface OciConfig {
  /** Name in the index (`org.opencontainers.image.ref.name`); `latest` by default. */
  readonly reference?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** NAME=VALUE */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What to write and where. Options that a format has no use for are refused, not ignored. */
export interface FormatRequest {
  readonly tree: FileTree;
  /** The image's final name; for `oci` a directory. Appears only when it is complete. */
  readonly output: string;
  /** Time of the image and of every entry without one of its own, in seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** As `uname -m` says it. */
  readonly architecture: string;
  /** `initrd`, `tar` and the layer of `oci`: gzip by default for initrd and OCI, none for tar. erofs, also on disks: `lz4` or none. */
  readonly compression?: ImageCompression;
  /** Exact size of a file system or disk; chosen by Kata's algorithm when absent. */
  readonly sizeBytes?: number;
  /** Free space to leave beyond what the algorithm gives (osbuilder's ROOT_FREE_SPACE). */
  readonly freeBytes?: number;
  /** Disks are a multiple of this: 128 MiB by default for ext4 and xfs, 1 MiB for erofs. A power of two of at least 1 MiB. */
  readonly alignmentBytes?: number;
  /** `disk`: with the metadata block for NVDIMM. `erofs`: no file tails inside inodes. True by default unless files are compressed. */
  readonly dax?: boolean;
  /** `disk` only; ext4 by default. */
  readonly rootType?: RootType;
  /** File systems, disks and extensions. */
  readonly verity?: VerityRequest;
  /** `extension` only, and needed there: the name in its kernel parameter. */
  readonly extensionName?: string;
  /** `oci` and `oci-archive` only. */
  readonly oci?: OciConfig;
  readonly signal?: AbortSignal;
  /** Told now and then how much of the work is done. */
  readonly report?: (progress: FormatProgress) => void;
}

/** How far the writing has come. */
export interface FormatProgress {
  /** One line for people: "ext4: writing files". */
  readonly step: string;
  /** From 0 to 1, never falling. */
  readonly fraction: number;
}

/** A program that took part, for the provenance. */
export interface ToolVersion {
  readonly name: string;
  readonly version: string;
}

/** The parameters of a verity device (contract of the Linux target "verity", Documentation/admin-guide/device-mapper). */
export interface VerityParameters {
  /** SHA-256 in hexadecimal. */
  readonly rootHash: string;
  /** In hexadecimal. */
  readonly salt: string;
  readonly dataBlocks: number;
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
}

/** What was written. */
export interface WrittenImage {
  /** The image first, then what belongs to it (hash tree, root hash). For `oci` the files of the layout. */
  readonly files: readonly Written[];
  /** What a kernel needs on its command line to boot this image as its root on virtio-blk; empty for archives. */
  readonly kernelParameters: readonly string[];
  readonly verity?: VerityParameters;
  /** What the format could not hold, in one line each ("2 extended attributes left behind"). */
  readonly notes: readonly string[];
  readonly tools: readonly ToolVersion[];
}
