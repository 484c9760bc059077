import { BuildError } from '../build-error.ts';

/** A host file or directory to put into the guest. */
export interface FileSpec {
  readonly source: string;
  /** Path in the tree, without the leading slash. */
  readonly path: string;
  /** Permission bits; by default 0755 for a program and 0644 for any other file, whatever the umask of its creator. */
  readonly mode?: number;
}

/** Parses `SRC:DST[:MODE]`, MODE being octal. Throws BuildError on anything else. */
export function parseFileSpec(text: string): FileSpec {
  const match = /^([^:]+):\/*([^:/][^:]*)(?::([^:]*))?$/.exec(text);
  const [, source, path, mode] = match ?? [];
  if (source === undefined || path === undefined)
    throw new BuildError(`file ${JSON.stringify(text)}: must be SRC:DST[:MODE]`);
  if (mode === undefined) return { source, path };
  if (!/^[0-7]{3,4}$/.test(mode))
    throw new BuildError(`file ${JSON.stringify(text)}: mode must be 3 or 4 octal digits`);
  return { source, path, mode: Number.parseInt(mode, 8) };
}
