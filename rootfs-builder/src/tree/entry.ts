/** Who owns an entry and what may be done with it. */
export interface Ownership {
  /** The twelve permission bits of chmod(2). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Where the bytes of a file come from: memory, or a host file that is read when the archive is written. With `offset` they
 * are a part of that file, such as a member of an archive that is not unpacked. Holes are not told here: the writers of
 * formats that have them leave out blocks of zeros.
 */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'host';
      readonly path: string | Uint8Array;
      readonly sizeBytes: number;
      /** Where in the host file the bytes begin; absent when the content is the whole file. */
      readonly offset?: number;
    };

/** Extended attributes by their full names (`security.capability`, `user.x`). */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** What an entry may have beside owner and mode. */
export interface Attributes {
  readonly xattrs?: Xattrs;
  /** Time of last change in seconds since 1970; the image's own time (the source date epoch) when absent. */
  readonly mtime?: number;
}

/** What an entry is. `link` is another name (path in the tree) of a file or node that is also in the tree. */
export type EntryBody =
  | { readonly kind: 'dir' }
  | { readonly kind: 'file'; readonly content: Content }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'char' | 'block'; readonly major: number; readonly minor: number }
  | { readonly kind: 'fifo' | 'socket' }
  | { readonly kind: 'link'; readonly target: string };

/** One entry of a FileTree. A `link` has the ownership and attributes of what it names; its own are not used. */
export type TreeEntry = { readonly path: string } & Ownership & Attributes & EntryBody;

/** Size of a content in bytes. */
export function contentSize(content: Content): number {
  return content.kind === 'bytes' ? content.bytes.length : content.sizeBytes;
}
