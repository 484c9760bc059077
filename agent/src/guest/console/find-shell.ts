/** Shells of the debug console, the first that exists counts (boot contract, section 4). */
export const SHELLS: readonly string[] = ['/run/kata-extensions/devkit/bin/devkit-sh', '/bin/bash', '/bin/sh'];

/** The shell of this guest's image; undefined when it has none. */
export function findShell(exists: (path: string) => boolean): string | undefined {
  return SHELLS.find((path) => exists(path));
}
