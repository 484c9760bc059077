import { posix } from 'node:path';
import { BuildError } from '../build-error.ts';
import { checkAttributes } from './check-attributes.ts';
import type { Attributes, Content, EntryBody, Ownership, TreeEntry } from './entry.ts';
import { checkTreePath, parentOf, sortKeyOf } from './tree-path.ts';

/** What Linux follows in one path before it says ELOOP. */
const MAX_SYMLINKS = 40;

/** What an entry has unless told otherwise: root as owner, the usual mode of its kind, no attributes, the image's time. */
export type OwnershipOptions = Partial<Ownership> & Attributes;

/**
 * A root file system as data. Owners, devices and links are plain values here, so building one needs no privileges.
 * Parent directories appear by themselves (root, 0755); adding a directory again changes its ownership, adding anything
 * else again replaces it.
 */
export class FileTree {
  readonly #entries = new Map<string, TreeEntry>();

  constructor() {
    this.#entries.set('.', { path: '.', kind: 'dir', mode: 0o755, uid: 0, gid: 0 });
  }

  dir(path: string, options: OwnershipOptions = {}): this {
    return this.#add(path, { kind: 'dir' }, 0o755, options);
  }

  /** A file with the given bytes (text becomes UTF-8). */
  file(path: string, content: string | Uint8Array, options: OwnershipOptions = {}): this {
    const bytes = typeof content === 'string' ? new Uint8Array(Buffer.from(content, 'utf8')) : content;
    return this.#add(path, { kind: 'file', content: { kind: 'bytes', bytes } }, 0o644, options);
  }

  /** A file whose bytes are those of a host file of `sizeBytes`, read later. */
  hostFile(path: string, hostPath: string | Uint8Array, sizeBytes: number, options: OwnershipOptions = {}): this {
    return this.content(path, { kind: 'host', path: hostPath, sizeBytes }, options);
  }

  /** A file with any content, such as a part of a host file. */
  content(path: string, content: Content, options: OwnershipOptions = {}): this {
    return this.#add(path, { kind: 'file', content }, 0o644, options);
  }

  symlink(path: string, target: string, options: OwnershipOptions = {}): this {
    if (target === '' || target.includes('\0') || Buffer.byteLength(target) > 4095) {
      throw new BuildError(`symlink ${path}: bad target ${JSON.stringify(target.slice(0, 80))}`);
    }
    return this.#add(path, { kind: 'symlink', target }, 0o777, options);
  }

  device(path: string, kind: 'char' | 'block', major: number, minor: number, options: OwnershipOptions = {}): this {
    return this.#add(path, { kind, major, minor }, 0o600, options);
  }

  /** A named pipe or a socket's name. */
  special(path: string, kind: 'fifo' | 'socket', options: OwnershipOptions = {}): this {
    return this.#add(path, { kind }, 0o600, options);
  }

  /** Another name for the file or node at `target`, which must be in the tree when it is written. */
  link(path: string, target: string): this {
    return this.#add(path, { kind: 'link', target: checkTreePath(target) }, 0, {});
  }

  /**
   * The same place with symlinks among its parent directories followed inside the tree, as in a chroot: in a tree where
   * /lib is a link to usr/lib, "lib/modules" is "usr/lib/modules".
   */
  locate(path: string): string {
    let current = checkTreePath(path);
    for (let followed = 0; followed < MAX_SYMLINKS; followed++) {
      const components = current.split('/');
      const depth = components.findIndex(
        (_, index) =>
          index < components.length - 1 && this.get(components.slice(0, index + 1).join('/'))?.kind === 'symlink',
      );
      if (depth === -1) return current;
      const link = this.get(components.slice(0, depth + 1).join('/'));
      const target = link?.kind === 'symlink' ? link.target : '';
      const base = posix.resolve('/', ...components.slice(0, depth), target);
      current = posix.join(base, ...components.slice(depth + 1)).slice(1);
    }
    throw new BuildError(`${path}: too many symlinks in the tree`);
  }

  get(path: string): TreeEntry | undefined {
    return this.#entries.get(path);
  }

  /** Takes one entry out; what is below it or linked to it is the caller's affair (`TreeEditor` sees to both). */
  delete(path: string): void {
    if (path !== '.') this.#entries.delete(path);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All entries, each directory before what it holds, names sorted by their bytes. */
  entries(): TreeEntry[] {
    const keyed = [...this.#entries.values()].map((entry) => ({ entry, key: sortKeyOf(entry.path) }));
    return keyed.sort((left, right) => Buffer.compare(left.key, right.key)).map(({ entry }) => entry);
  }

  #add(path: string, body: EntryBody, defaultMode: number, options: OwnershipOptions): this {
    checkTreePath(path);
    const { mode = defaultMode, uid = 0, gid = 0, xattrs, mtime } = options;
    checkOwnership(path, { mode, uid, gid });
    checkAttributes(path, options);
    const before = this.#entries.get(path);
    if (before?.kind === 'dir' && body.kind !== 'dir') throw new BuildError(`${path}: a directory is there already`);
    this.#ensureParents(path);
    const attributes = {
      ...(xattrs === undefined || xattrs.size === 0 ? {} : { xattrs }),
      ...(mtime === undefined ? {} : { mtime }),
    };
    this.#entries.set(path, { path, mode, uid, gid, ...attributes, ...body });
    return this;
  }

  /** All or none: what is refused leaves nothing in the tree. */
  #ensureParents(path: string): void {
    const missing: string[] = [];
    for (let parent = parentOf(path); parent !== '.'; parent = parentOf(parent)) {
      const entry = this.#entries.get(parent);
      if (entry === undefined) missing.push(parent);
      // Following a symlink here would put the file where the caller did not say.
      else if (entry.kind !== 'dir')
        throw new BuildError(`${path}: its parent ${parent} is a ${entry.kind}, not a directory`);
    }
    for (const parent of missing) this.#entries.set(parent, { path: parent, kind: 'dir', mode: 0o755, uid: 0, gid: 0 });
  }
}

function checkOwnership(path: string, { mode, uid, gid }: Ownership): void {
  const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < 0xffff_ffff;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777)
    throw new BuildError(`${path}: bad mode 0${mode.toString(8)}`);
  if (!isId(uid) || !isId(gid)) throw new BuildError(`${path}: bad owner ${uid}:${gid}`);
}
