/** Who owns an entry and what may be done with it. */
export interface Ownership {
  /** The twelve permission bits of chmod(2). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Where the bytes of a file come from: memory, or a host file that is read when the archive is written. */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'host'; readonly path: string | Uint8Array; readonly sizeBytes: number };

/** What an entry is. `link` is another name (path in the tree) of a file or node that is also in the tree. */
export type EntryBody =
  | { readonly kind: 'dir' }
  | { readonly kind: 'file'; readonly content: Content }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'char' | 'block'; readonly major: number; readonly minor: number }
  | { readonly kind: 'fifo' | 'socket' }
  | { readonly kind: 'link'; readonly target: string };

/** One entry of a FileTree. A `link` has the ownership of what it names; its own is not used. */
export type TreeEntry = { readonly path: string } & Ownership & EntryBody;

/** Size of a content in bytes. */
export function contentSize(content: Content): number {
  return content.kind === 'bytes' ? content.bytes.length : content.sizeBytes;
}
