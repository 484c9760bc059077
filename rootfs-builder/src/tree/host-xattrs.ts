import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { runProgram } from '../programs/run-program.ts';
import type { Xattrs } from './entry.ts';

/** What images hold; file systems have others of their own (`btrfs.compression`), which mean nothing elsewhere. */
const NAMESPACES = /^(?:user|trusted|security|system\.posix_acl)[._][^]/;
/** The label that this host's policy gave: the guest has another policy, or none. */
const HOST_LABEL = 'security.selinux';

/**
 * Extended attributes of all that is below a host folder, by path relative to it ("." for itself). Symlinks are not
 * followed. Node has no call for them, so `getfattr` reads them. Throws BuildError when that is missing or fails.
 */
export async function hostXattrs(hostDir: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Xattrs>> {
  const args = ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex', '--', '.'];
  try {
    const options = { directory: hostDir, ...(signal === undefined ? {} : { signal }) };
    return parseDump((await runProgram('getfattr', args, options)).stdout);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(
      `read extended attributes of ${hostDir}: ${error.message} (xattrs = "drop" does without)`,
      error,
    );
  }
}

/**
 * Reads getfattr's dump, whose characters are bytes: `# file: NAME`, lines `ATTRIBUTE=0xHEX`, an empty line. In names a
 * backslash and three octal digits stand for a byte. Throws BuildError for anything else.
 */
export function parseDump(dump: string): ReadonlyMap<string, Xattrs> {
  const found = new Map<string, Map<string, Uint8Array>>();
  let current: Map<string, Uint8Array> | undefined;
  for (const line of dump.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# file: ')) {
      current = new Map();
      found.set(unquoted(line.slice('# file: '.length)).replace(/^\.\//, ''), current);
      continue;
    }
    const [, name, hex] = /^([^=]+)=(?:0x((?:[0-9a-f]{2})*))?$/.exec(line) ?? [];
    if (name === undefined || current === undefined)
      throw new BuildError(`getfattr: a line that is none of its: ${JSON.stringify(line.slice(0, 80))}`);
    const attribute = unquoted(name);
    if (NAMESPACES.test(attribute) && attribute !== HOST_LABEL)
      current.set(attribute, new Uint8Array(Buffer.from(hex ?? '', 'hex')));
  }
  return found;
}

function unquoted(name: string): string {
  const bytes = name.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return decodeBytes(Buffer.from(bytes, 'latin1'));
}
