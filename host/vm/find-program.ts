import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where programs of the system are, when PATH is short (cron, containers). */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** True for an executable file. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Full path of a program: an absolute candidate as it is, a name by PATH. The first that exists. */
export function findProgram(candidates: readonly string[], path = process.env['PATH'] ?? ''): string | undefined {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ''), ...SYSTEM_PATH];
  for (const candidate of candidates) {
    const places = candidate.startsWith('/') ? [candidate] : folders.map((folder) => join(folder, candidate));
    const found = places.find(isExecutable);
    if (found !== undefined) return found;
  }
  return undefined;
}
