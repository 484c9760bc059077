import type { ImageCompression } from '../format/image-compression.ts';
import type { Format, RootType } from '../format/format.ts';

/** Kinds of root file systems to start from. */
export const BASE_KINDS = ['none', 'busybox', 'debian', 'ubuntu', 'alpine', 'oci', 'dir', 'tar'] as const;
export type BaseKind = (typeof BASE_KINDS)[number];

/** What `kihon build` makes of a recipe. */
export const BUILD_KINDS = ['image', 'initrd', 'rootfs', 'kernel'] as const;
export type BuildKind = (typeof BUILD_KINDS)[number];

/** Formats beside those of `format.ts`: a folder of the host, which needs root for owners and nodes. */
export type OutputFormat = Format | 'dir';

/** Architectures by `uname -m`. */
export const ARCHITECTURES = ['x86_64', 'aarch64', 'ppc64le', 's390x', 'riscv64'] as const;

/** Programs that can be PID 1 of the guest; `none` leaves that to the base and the files. */
export const INIT_KINDS = ['agent', 'systemd', 'none'] as const;
export type InitKind = (typeof INIT_KINDS)[number];

/** `[base]` */
export interface BaseSpec {
  readonly kind: BaseKind;
  /** debian and ubuntu: code name; alpine: "v3.20" or "edge". */
  readonly suite?: string;
  readonly mirrors?: readonly string[];
  /** debian, ubuntu: archive areas; alpine: repositories. */
  readonly components?: readonly string[];
  readonly packages?: readonly string[];
  /** Files of keys: keyrings for apt, public keys or folders of them for apk. */
  readonly keys?: readonly string[];
  /** Takes packages without a signature; said aloud, never a default. */
  readonly unsigned?: boolean;
  /** mmdebstrap's variant. */
  readonly variant?: string;
  /** mmdebstrap's mode; chosen by what the host allows when absent. */
  readonly mode?: string;
  /** oci, dir, tar. */
  readonly path?: string;
  /** oci: tag, where there are several images. */
  readonly reference?: string;
  /** oci: OS/ARCHITECTURE[/VARIANT]. */
  readonly platform?: string;
  /** dir: whether owners are those of the host. */
  readonly owner?: 'keep' | 'root';
  /** dir: whether extended attributes come along (the default), which takes `getfattr`. */
  readonly xattrs?: 'keep' | 'drop';
  /** Keeps documentation, caches and lists of packages, which guests do without. */
  readonly untrimmed?: boolean;
  /** busybox: the program to use. */
  readonly busybox?: string;
}

/** `[agent]` */
export interface AgentSpec {
  /** The ELF file; `""` for none. The one that was built, by default. */
  readonly binary?: string;
  readonly init?: InitKind;
  /** A TOML file for the agent, or its content. */
  readonly config?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** A Rego file, which becomes the default policy. */
  readonly policy?: string;
  /** Units that a guest has no use for are removed (default true, with systemd). */
  readonly slim?: boolean;
  /** chrony takes the time from the host's clock device, where chrony is installed (default true). */
  readonly chrony?: boolean;
  /** `/run` of half the memory, as confidential guests pull images into it. */
  readonly confidential?: boolean;
}

/** `[modules]` */
export interface ModulesSpec {
  readonly directory: string;
  readonly release?: string;
  /** More than those that our host side needs. */
  readonly names?: readonly string[];
  /** The whole folder instead of a choice. */
  readonly all?: boolean;
}

/** `[hooks]` */
export interface HooksSpec {
  readonly path?: string;
  readonly prestart?: readonly string[];
  readonly poststart?: readonly string[];
  readonly poststop?: readonly string[];
}

/** `[[file]]` */
export interface FileEntry {
  readonly target: string;
  /** A file or folder of the host. */
  readonly source?: string;
  /** The bytes themselves, in place of a source. */
  readonly content?: string;
  readonly mode?: number;
  readonly owner?: Owner;
}

/** `[[directory]]` */
export interface DirectoryEntry {
  readonly target: string;
  readonly mode?: number;
  readonly owner?: Owner;
}

/** `[[symlink]]` */
export interface SymlinkEntry {
  readonly target: string;
  readonly to: string;
}

/** `[[archive]]`: unpacked over the tree. */
export interface ArchiveEntry {
  readonly source: string;
}

/** A numeric owner. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** `[output]` */
export interface OutputSpec {
  /** Final name; by default made of the recipe's name and the format. */
  readonly file?: string;
  readonly format?: OutputFormat;
  readonly rootType?: RootType;
  readonly sizeBytes?: number;
  readonly freeBytes?: number;
  readonly alignmentBytes?: number;
  readonly compression?: ImageCompression;
  /** Variant that names the file with the root hash, or true for the recipe's name. */
  readonly verity?: string | boolean;
  readonly salt?: string;
  readonly dax?: boolean;
}

/** `[kernel]` */
export interface KernelSpec {
  readonly config?: string;
  /** Kernel series such as "6.12". */
  readonly series?: string;
  /** Names of fragments, or files where there is a slash. */
  readonly fragments?: readonly string[];
  readonly patches?: readonly string[];
  /** Source archive instead of the packaged one. */
  readonly source?: string;
  readonly folder?: string;
  readonly jobs?: number;
}

/** A guest image or kernel as its recipe file says it. Paths of the host are absolute, those of the guest relative to its root. */
export interface Recipe {
  readonly name: string;
  readonly description?: string;
  readonly architecture: string;
  readonly base: BaseSpec;
  readonly agent: AgentSpec;
  readonly modules?: ModulesSpec;
  readonly hooks?: HooksSpec;
  readonly files: readonly FileEntry[];
  readonly directories: readonly DirectoryEntry[];
  readonly symlinks: readonly SymlinkEntry[];
  readonly archives: readonly ArchiveEntry[];
  /** Paths that are taken out before files are added. */
  readonly removed: readonly string[];
  readonly output: OutputSpec;
  readonly kernel: KernelSpec;
}
