import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { findProgram } from '../../../host/vm/find-program.ts';
import { repository } from '../repository.ts';
import { findKernel, type KernelChoice } from './guest-assets.ts';
import { describeSmoke } from './smoke.ts';

const agent = join(repository, 'build/aarch64/kihon-agent');
const busybox = join(
  process.env['KIHON_CACHE'] ?? join(repository, '.cache'),
  'debs/busybox-static-arm64/current/bin/busybox',
);

/** The short look at a guest of aarch64 on `virt`, or a skipped test that names what is missing for it. */
export function describeAarch64Smoke(what: string, kernel: KernelChoice, howToGetKernel: string): void {
  const missing = [
    findProgram(['qemu-system-aarch64']) === undefined ? 'qemu-system-aarch64: make cross-aarch64' : undefined,
    findKernel(kernel) === undefined ? `a kernel: ${howToGetKernel}` : undefined,
    existsSync(busybox) ? undefined : 'a busybox: make cross-aarch64',
    existsSync(agent) ? undefined : 'the agent: make agent ARCH=aarch64',
  ].filter((name) => name !== undefined);
  if (missing.length > 0)
    describe(what, () => {
      it.skip(`needs ${missing.join(', ')}`, () => undefined);
    });
  else
    describeSmoke(what, {
      machine: 'virt',
      kernel,
      agent,
      prepareRoot: (root) => copyFileSync(busybox, join(root, 'bin/busybox')),
    });
}
