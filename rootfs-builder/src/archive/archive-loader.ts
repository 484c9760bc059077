import { BuildError } from '../build-error.ts';
import type { PackPlace, PackWriter } from '../cache/pack-writer.ts';
import type { Content, EntryBody } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { TreeEditor } from '../tree/tree-editor.ts';
import { parentOf } from '../tree/tree-path.ts';
import { entryPath } from './entry-name.ts';
import type { TarHeader } from './tar-reader.ts';
import { TarReader } from './tar-reader.ts';

/** What archives may bring in all; far above any guest, and what a decompression bomb runs into. */
export interface ArchiveLimits {
  readonly entries: number;
  readonly bytes: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 2_000_000, bytes: 32 * 1024 ** 3 };

/** How an archive becomes part of a tree. */
export interface LoadOptions {
  /** OCI layers: names that begin with `.wh.` remove what lower layers brought (image-spec, layer.md). */
  readonly whiteouts?: boolean;
  readonly limits?: ArchiveLimits;
  /** Leaves entries out, by their place in the tree. */
  readonly skip?: (path: string) => boolean;
  readonly signal?: AbortSignal;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * Puts archives into a tree, one after the other. All names are places in the tree: symlinks among the parents of an entry
 * are followed inside it as in a chroot, and nothing touches the host but the pack that contents are appended to.
 */
export class ArchiveLoader {
  readonly #editor: TreeEditor;
  readonly #pack: PackWriter;
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  constructor(tree: FileTree, pack: PackWriter, limits: ArchiveLimits = ARCHIVE_LIMITS) {
    this.#editor = new TreeEditor(tree);
    this.#pack = pack;
    this.#limits = limits;
  }

  /** Adds one archive. Throws BuildError that names the entry for what cannot be, and says `what` was read. */
  async load(what: string, source: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<void> {
    const reader = new TarReader();
    /** What this archive itself brought: a whiteout in it does not mean that. */
    const own = new Set<string>();
    let current: (PackPlace & { readonly header: TarHeader }) | undefined;
    try {
      for await (const chunk of source) {
        options.signal?.throwIfAborted();
        for (const event of reader.push(chunk)) {
          switch (event.kind) {
            case 'entry':
              this.#count(event.header);
              current = { header: event.header, ...this.#pack.begin(event.header.sizeBytes) };
              break;
            case 'data':
              current?.write(event.bytes);
              break;
            case 'hole':
              current?.skip(event.lengthBytes);
              break;
            case 'end':
              if (current !== undefined) this.#add(current.header, current.finish(), own, options);
              current = undefined;
              break;
          }
        }
      }
      reader.end();
    } catch (error) {
      if (error instanceof BuildError) throw new BuildError(`${what}: ${error.message}`, error);
      throw error;
    }
  }

  #count(header: TarHeader): void {
    this.#entries++;
    this.#bytes += header.sizeBytes;
    if (this.#entries > this.#limits.entries)
      throw new BuildError(`archive: more than ${this.#limits.entries} entries`);
    if (this.#bytes > this.#limits.bytes)
      throw new BuildError(`archive: more than ${this.#limits.bytes} bytes of content`);
  }

  #add(header: TarHeader, content: Content, own: Set<string>, options: LoadOptions): void {
    const tree = this.#editor.tree;
    const path = tree.locate(entryPath(header.name));
    if (options.skip?.(path) === true) return;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (options.whiteouts === true && name.startsWith(WHITEOUT)) {
      this.#whiteout(path, name, own);
      return;
    }
    if (path === '.' && header.kind !== 'dir')
      throw new BuildError(`archive entry "${header.name}": replaces the root`);
    this.#openParents(path);
    const body = this.#bodyOf(header, path, content);
    if (body === undefined) return;
    const { mode, uid, gid, mtime, xattrs } = header;
    // A time before 1970 or after 2106 does not fit into every format.
    const time = Math.min(Math.max(mtime, 0), 0xffff_ffff);
    this.#editor.put({ path, mode, uid, gid, mtime: time, ...(xattrs === undefined ? {} : { xattrs }), ...body });
    own.add(path);
  }

  /** A parent that an earlier archive made a file gives way, as it would if layers were unpacked one on the other. */
  #openParents(path: string): void {
    for (let parent = parentOf(path); parent !== '.'; parent = parentOf(parent)) {
      const entry = this.#editor.tree.get(parent);
      if (entry !== undefined && entry.kind !== 'dir')
        throw new BuildError(`archive entry ${JSON.stringify(path)}: its parent ${parent} is a ${entry.kind}`);
    }
  }

  #bodyOf(header: TarHeader, path: string, content: Content): EntryBody | undefined {
    const { kind, linkName, major, minor } = header;
    switch (kind) {
      case 'file':
        return { kind, content };
      case 'dir':
      case 'fifo':
        return { kind };
      case 'symlink':
        return { kind, target: linkName };
      case 'char':
      case 'block':
        // Overlay file systems mark a removed file by a 0:0 device; in an archive it is a device like any other.
        return { kind, major, minor };
      case 'link': {
        const target = this.#editor.tree.locate(entryPath(linkName));
        if (target === path) return undefined;
        const entry = this.#editor.tree.get(target);
        if (entry === undefined)
          throw new BuildError(
            `archive entry ${JSON.stringify(path)}: links to ${JSON.stringify(target)}, which is not there`,
          );
        if (entry.kind === 'dir')
          throw new BuildError(
            `archive entry ${JSON.stringify(path)}: links to the directory ${JSON.stringify(target)}`,
          );
        // Always to the file itself, so that no chains come about.
        const file = entry.kind === 'link' ? entry.target : target;
        // Another name of what it is already.
        if (file === path) return undefined;
        if (file.startsWith(`${path}/`))
          throw new BuildError(
            `archive entry ${JSON.stringify(path)}: links to ${JSON.stringify(file)} in the directory that it replaces`,
          );
        return { kind, target: file };
      }
    }
  }

  #whiteout(path: string, name: string, own: Set<string>): void {
    const directory = parentOf(path);
    if (name === OPAQUE) {
      this.#removeLower(directory, own);
      return;
    }
    if (name.startsWith('.wh..wh.')) return; // bookkeeping of aufs
    const removed = name.slice(WHITEOUT.length);
    if (removed === '' || removed === '.' || removed === '..')
      throw new BuildError(`archive entry ${JSON.stringify(path)}: a whiteout of ${JSON.stringify(removed)}`);
    const target = directory === '.' ? removed : `${directory}/${removed}`;
    if (!own.has(target)) this.#editor.remove(target);
    else this.#removeLower(target, own);
  }

  /** Removes what is in a directory but for what this archive brought. */
  #removeLower(directory: string, own: Set<string>): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const child of this.#editor.childrenOf(next)) {
        if (!own.has(child) && !hasOwnBelow(this.#editor, child, own)) this.#editor.remove(child);
        else if (this.#editor.tree.get(child)?.kind === 'dir') pending.push(child);
      }
    }
  }
}

/** True when this archive brought something below a directory that an earlier one made. */
function hasOwnBelow(editor: TreeEditor, path: string, own: ReadonlySet<string>): boolean {
  return editor.childrenOf(path).some((child) => own.has(child) || hasOwnBelow(editor, child, own));
}
