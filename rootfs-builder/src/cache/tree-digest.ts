import { createHash } from 'node:crypto';
import { readContent } from '../tree/content.ts';
import type { Content } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { canonical } from './cache-key.ts';

/** A pack whose contents are known by where they are in it. */
export interface KnownPack {
  readonly path: string;
  readonly key: string;
}

/** SHA-256 of all that a tree is: entries with owners, modes, attributes, and contents. Reads what is not in the known pack. */
export async function treeDigest(tree: FileTree, known: KnownPack | undefined, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of tree.entries()) {
    signal?.throwIfAborted();
    const { xattrs, ...rest } = entry;
    const attributes = [...(xattrs ?? [])]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => [name, Buffer.from(value).toString('hex')]);
    const plain = rest.kind === 'file' ? { ...rest, content: await contentDigest(rest.content, known, signal) } : rest;
    hash.update(canonical({ ...plain, attributes })).update('\n');
  }
  return hash.digest('hex');
}

async function contentDigest(content: Content, known: KnownPack | undefined, signal?: AbortSignal): Promise<string> {
  if (content.kind === 'host' && content.path === known?.path)
    return `${known.key}:${content.offset ?? 0}:${content.sizeBytes}`;
  const hash = createHash('sha256');
  for await (const piece of readContent(content)) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  return hash.digest('hex');
}
