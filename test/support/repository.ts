import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the repository. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where build products lie; the architecture is that of this machine. */
export const products = join(repository, 'build', process.arch === 'arm64' ? 'aarch64' : 'x86_64');

/** The agent as it is released; `KIHON_TEST_AGENT` names another one, such as a build with sanitizers. */
export const releaseAgent = process.env['KIHON_TEST_AGENT'] ?? join(products, 'kihon-agent');

/** The agent with failpoints; made by `agent/build/build.ts --failpoints`. */
export const failpointAgent = process.env['KIHON_TEST_FAILPOINT_AGENT'] ?? join(products, 'kihon-agent-failpoints');
