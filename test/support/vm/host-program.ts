import { execFileSync } from 'node:child_process';

/**
 * A program of this machine with its loader and libraries, as `files` of a guest: there it is at `path` (relative to the root), and runs
 * as in the image of a distribution. Throws where it is not installed.
 */
export function hostProgram(program: string, path: string): Record<string, string> {
  const files: Record<string, string> = { [path]: program };
  for (const line of execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')) {
    const library = /(?:=> )?(\/\S+) \(/.exec(line)?.[1];
    if (library !== undefined) files[library.slice(1)] = library;
  }
  return files;
}
