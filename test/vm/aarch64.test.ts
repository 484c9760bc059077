import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { findProgram } from '../../host/vm/find-program.ts';
import { repository } from '../support/repository.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { describeSmoke } from '../support/vm/smoke.ts';

const agent = join(repository, 'build/aarch64/kihon-agent');
const busybox = join(
  process.env['KIHON_CACHE'] ?? join(repository, '.cache'),
  'debs/busybox-static-arm64/current/bin/busybox',
);

/** The kernel built here, else Debian's, whose drivers are modules. */
const kernel = findKernel('lean-aarch64') === undefined ? 'packaged-arm64' : 'lean-aarch64';

const missing = [
  findProgram(['qemu-system-aarch64']) === undefined ? 'qemu-system-aarch64' : undefined,
  findKernel(kernel) === undefined ? 'a kernel' : undefined,
  existsSync(busybox) ? undefined : 'a busybox',
  existsSync(agent) ? undefined : 'the agent',
].filter((name) => name !== undefined);

if (missing.length > 0)
  describe('a guest of aarch64', () => {
    it.skip(`needs ${missing.join(', ')}: make agent ARCH=aarch64`, () => undefined);
  });
else {
  describeSmoke(`a guest of aarch64, with the ${kernel === 'lean-aarch64' ? 'lean' : 'packaged'} kernel`, {
    machine: 'virt',
    kernel,
    agent,
    prepareRoot: (root) => copyFileSync(busybox, join(root, 'bin/busybox')),
  });
}
