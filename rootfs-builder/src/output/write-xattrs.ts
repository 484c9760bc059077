import { encodeBytes } from '../../../agent/src/base/text.ts';
import { runProgram } from '../programs/run-program.ts';
import type { Xattrs } from '../tree/entry.ts';
import type { FileTree } from '../tree/file-tree.ts';

/** What an ordinary user may set, on files and directories of his own (xattr(7)). */
const OWN_NAMESPACE = 'user.';

/**
 * Sets the extended attributes of a tree on the host folder that was made of it. Node has no call for them, so `setfattr` does.
 * Returns a note about those that take root, and are left out without it. Throws BuildError when the program is missing or fails.
 */
export async function writeXattrs(tree: FileTree, directory: string, signal?: AbortSignal): Promise<string[]> {
  const isRoot = process.getuid?.() === 0;
  const lines: string[] = [];
  const without: string[] = [];
  for (const { path, kind, xattrs } of tree.entries()) {
    if (xattrs === undefined || kind === 'link') continue;
    const kept = isRoot ? xattrs : ofOwner(xattrs);
    if (kept.size < xattrs.size) without.push(path);
    if (kept.size === 0) continue;
    lines.push(`# file: ${escaped(path)}`);
    for (const [name, value] of kept) lines.push(`${escaped(name)}=0x${Buffer.from(value).toString('hex')}`);
    lines.push('');
  }
  if (lines.length > 0)
    await runProgram('setfattr', ['--no-dereference', '--restore=-'], {
      directory,
      input: Buffer.from(`${lines.join('\n')}\n`, 'latin1'),
      ...(signal === undefined ? {} : { signal }),
    });
  const [first] = without;
  return first === undefined
    ? []
    : [`dir: attributes take root; ${without.length} left without some, such as ${first} (an archive holds them)`];
}

function ofOwner(xattrs: Xattrs): Xattrs {
  return new Map([...xattrs].filter(([name]) => name.startsWith(OWN_NAMESPACE)));
}

/** As getfattr writes names: a backslash and three octal digits for each byte that is not plain. */
function escaped(name: string): string {
  return [...encodeBytes(name)]
    .map((byte) => String.fromCharCode(byte))
    .map((letter) =>
      /[A-Za-z0-9_./-]/.test(letter) ? letter : `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`,
    )
    .join('');
}
