import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base } from '../bases/base.ts';
import { BuildError, describing } from '../build-error.ts';
import type { Content, TreeEntry } from '../tree/entry.ts';
import { FileTree } from '../tree/file-tree.ts';
import { putEntry } from '../tree/put-entry.ts';

/** Names inside a stored tree's folder: all contents one after the other, and the list of entries. */
export const PACK_NAME = 'data';
const INDEX_NAME = 'index.json';

/** An entry as it is stored: attributes become base64, contents in the pack an offset. */
type StoredEntry = Readonly<Record<string, unknown>>;

/**
 * Writes a base beside its pack, which must be in `folder`. Contents that are files of the host stay such, so a base that has
 * any is not to be stored.
 */
export async function storeBase(base: Base, folder: string): Promise<void> {
  const { tree, packages, inputs, notes } = base;
  const entries = tree.entries().map(stored);
  const text = JSON.stringify({ packages, inputs, notes, entries });
  await describing(`write ${join(folder, INDEX_NAME)}`, () => writeFile(join(folder, INDEX_NAME), text));
}

/** Reads a base that `storeBase` wrote. Throws BuildError when it is damaged. */
export async function loadBase(folder: string): Promise<Base> {
  const path = join(folder, INDEX_NAME);
  const text = await describing(`read ${path}`, () => readFile(path, 'utf8'));
  try {
    const { entries, ...rest } = JSON.parse(text) as Omit<Base, 'tree'> & { readonly entries: readonly StoredEntry[] };
    const tree = new FileTree();
    for (const entry of entries) putEntry(tree, restored(entry, join(folder, PACK_NAME)));
    return { tree, ...rest };
  } catch (error) {
    throw new BuildError(`read ${path}: damaged; remove ${folder}`, error);
  }
}

function stored(entry: TreeEntry): StoredEntry {
  const { xattrs, ...rest } = entry;
  const attributes =
    xattrs === undefined
      ? {}
      : { xattrs: [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('base64')]) };
  if (rest.kind !== 'file') return { ...rest, ...attributes };
  return { ...rest, ...attributes, content: storedContent(rest.content, entry.path) };
}

function storedContent(content: Content, path: string): unknown {
  if (content.kind === 'bytes') return { bytes: Buffer.from(content.bytes).toString('base64') };
  if (content.offset === undefined) throw new BuildError(`cache: ${path}: its content is not in the pack`);
  return { offset: content.offset, sizeBytes: content.sizeBytes };
}

interface RawContent {
  readonly bytes?: string;
  readonly offset?: number;
  readonly sizeBytes?: number;
}

function restored(entry: StoredEntry, pack: string): TreeEntry {
  const { xattrs, content, ...rest } = entry;
  const pairs = xattrs as [string, string][] | undefined;
  const attributes =
    pairs === undefined
      ? {}
      : { xattrs: new Map(pairs.map(([name, value]) => [name, new Uint8Array(Buffer.from(value, 'base64'))])) };
  if (content === undefined) return { ...rest, ...attributes } as unknown as TreeEntry;
  const { bytes, offset = 0, sizeBytes = 0 } = content as RawContent;
  const restoredContent: Content =
    bytes === undefined
      ? { kind: 'host', path: pack, offset, sizeBytes }
      : { kind: 'bytes', bytes: new Uint8Array(Buffer.from(bytes, 'base64')) };
  return { ...rest, ...attributes, content: restoredContent } as unknown as TreeEntry;
}
