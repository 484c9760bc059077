import type { TreeEntry } from './entry.ts';
import type { FileTree } from './file-tree.ts';
import { putEntry } from './put-entry.ts';
import { parentOf } from './tree-path.ts';

/**
 * Changes of a tree that keep it whole: what is removed goes with all below it, and a file that has other names lives on
 * under those. While an editor is in use, all changes must go through it, as it keeps indexes.
 */
export class TreeEditor {
  readonly tree: FileTree;
  readonly #children = new Map<string, Set<string>>();
  /** Paths of links by what they name. */
  readonly #links = new Map<string, Set<string>>();

  constructor(tree: FileTree) {
    this.tree = tree;
    for (const entry of tree.entries()) this.#index(entry);
  }

  /** Adds an entry in the place of what is there; a directory on a directory keeps what it holds. */
  put(entry: TreeEntry): void {
    const before = this.tree.get(entry.path);
    if (before !== undefined && !(before.kind === 'dir' && entry.kind === 'dir')) this.remove(entry.path);
    putEntry(this.tree, entry);
    this.#index(entry);
  }

  /** Paths of what a directory holds. */
  childrenOf(path: string): readonly string[] {
    return [...(this.#children.get(path) ?? [])];
  }

  /** Removes an entry with all below it. */
  remove(path: string): void {
    const pending = [path];
    const order: string[] = [];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      order.push(next);
      pending.push(...this.childrenOf(next));
    }
    for (const each of order.reverse()) this.#removeOne(each);
  }

  #removeOne(path: string): void {
    const entry = this.tree.get(path);
    this.tree.delete(path);
    this.#children.get(parentOf(path))?.delete(path);
    this.#children.delete(path);
    if (entry === undefined) return;
    if (entry.kind === 'link') {
      this.#links.get(entry.target)?.delete(path);
      // A link to a link: those that named this one name what it named.
      this.#rename(path, (link) => ({ ...entry, path: link }));
    } else {
      this.#rename(path, (link) => ({ ...entry, path: link }));
    }
  }

  /** The first of the other names of `path` becomes the entry, and the rest are links to that. */
  #rename(path: string, become: (link: string) => TreeEntry): void {
    const links = [...(this.#links.get(path) ?? [])];
    this.#links.delete(path);
    const [heir, ...others] = links;
    if (heir === undefined) return;
    this.tree.delete(heir);
    const entry = become(heir);
    putEntry(this.tree, entry);
    if (entry.kind === 'link') this.#linkIndex(entry.target).add(heir);
    for (const other of others) {
      this.tree.link(other, heir);
      this.#linkIndex(heir).add(other);
    }
  }

  #index(entry: TreeEntry): void {
    if (entry.kind === 'link') this.#linkIndex(entry.target).add(entry.path);
    for (let { path } = entry; path !== '.'; path = parentOf(path)) {
      const parent = parentOf(path);
      const siblings = this.#children.get(parent);
      if (siblings?.has(path) === true) return;
      if (siblings === undefined) this.#children.set(parent, new Set([path]));
      else siblings.add(path);
    }
  }

  #linkIndex(target: string): Set<string> {
    let links = this.#links.get(target);
    if (links === undefined) this.#links.set(target, (links = new Set()));
    return links;
  }
}
