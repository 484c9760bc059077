import type { PackWriter } from '../cache/pack-writer.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { Package } from './packages.ts';

/** What a base is made with. */
export interface BaseContext {
  /** Architecture of the guest as `uname -m` says it. */
  readonly architecture: string;
  /** Where contents go that are not files of the host. */
  readonly pack: PackWriter;
  /** An empty folder on the disk for whatever a base needs meanwhile; it goes away with all it holds. */
  readonly temporaryFolder: string;
  /** Downloads that are kept, by content. */
  readonly downloadFolder: string;
  /** Time for what a base makes itself, in seconds since 1970. */
  readonly sourceDateEpoch: number;
  readonly signal?: AbortSignal;
  /** Told what happens now. */
  readonly report: (text: string) => void;
}

/** Something that a base was made from, for the provenance. */
export interface BaseInput {
  /** A path or a URL without credentials. */
  readonly name: string;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** A root file system to start from. */
export interface Base {
  readonly tree: FileTree;
  readonly packages: readonly Package[];
  readonly inputs: readonly BaseInput[];
  /** What the user should know, in one line each. */
  readonly notes: readonly string[];
}
