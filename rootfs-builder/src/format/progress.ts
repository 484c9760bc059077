import { contentSize } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';
import type { FormatProgress, FormatRequest } from './format.ts';

/** Bytes between two reports; more often than this nobody can read. */
const REPORT_EVERY_BYTES = 4 * 1024 * 1024;

/** Bytes of all files of a tree, each counted once. */
export function treeBytes(tree: FileTree): number {
  return tree.entries().reduce((sum, entry) => sum + (entry.kind === 'file' ? contentSize(entry.content) : 0), 0);
}

/** Passes a stream on and reports how much of `expectedBytes` has gone by, as `from` to `to` of the whole. */
export async function* reporting(
  source: AsyncIterable<Uint8Array>,
  expectedBytes: number,
  step: string,
  report: FormatRequest['report'],
  [from, to]: readonly [number, number] = [0, 1],
): AsyncGenerator<Uint8Array> {
  const tell = (bytes: number): void => {
    const share = expectedBytes === 0 ? 0 : Math.min(1, bytes / expectedBytes);
    report?.({ step, fraction: from + share * (to - from) } satisfies FormatProgress);
  };
  let bytes = 0;
  let toldAt = 0;
  tell(0);
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes - toldAt >= REPORT_EVERY_BYTES) {
      toldAt = bytes;
      tell(bytes);
    }
    yield piece;
  }
  report?.({ step, fraction: to });
}
