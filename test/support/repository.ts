import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runtimePath } from '../../agent/build/image.ts';

/** Root folder of the repository. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What loads TypeScript in Node: of its own file, so that the working directory does not matter. */
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/**
 * Arguments for `process.execPath` that run a program of the repository (its path from there). One process, unlike the `tsx` command:
 * a signal meets the program itself.
 */
export function nodeArguments(program: string, ...args: readonly string[]): string[] {
  return ['--import', loader, join(repository, program), ...args];
}

/** Where build products lie; the architecture is that of this machine. */
export const products = join(repository, 'build', process.arch === 'arm64' ? 'aarch64' : 'x86_64');

/** The agent as it is released; `KIHON_TEST_AGENT` names another one, such as a build with sanitizers. */
export const releaseAgent = process.env['KIHON_TEST_AGENT'] ?? join(products, 'kihon-agent');

/** True when the agent under test has sanitizers (`KIHON_SANITIZED=1`): they keep freed memory for a while. */
export const isSanitized = process.env['KIHON_SANITIZED'] === '1';

/** The agent with failpoints; made by `agent/build/build.ts --failpoints`. */
export const failpointAgent = process.env['KIHON_TEST_FAILPOINT_AGENT'] ?? join(products, 'kihon-agent-failpoints');

/** Where the set-up has unpacked a Debian package that is not installed. */
export function unpackedPackage(name: string): string {
  return join(process.env['KIHON_CACHE'] ?? join(repository, '.cache'), 'debs', name, 'current');
}

/** `kihon-oci` of the same build as an agent: the file that is installed, with its image; an agent without one serves as well. */
export function runtimeOf(agent: string): string {
  const runtime = runtimePath(agent);
  return existsSync(runtime) ? runtime : agent;
}
