/** The confidential guest as its recipes make it, with the kernel for such hosts where it was built. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { architectureName } from '../../host/vm/architecture.ts';
import type { GuestRoot } from '../../host/vm/guest-root.ts';
import { imageRoot } from '../../host/vm/inspect-image.ts';
import { buildGuest } from '../../rootfs-builder/src/build/build-guest.ts';
import { findRecipe } from '../../rootfs-builder/src/recipe/find-recipe.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { releaseAgent } from '../support/repository.ts';
import { findKernel } from '../support/vm/guest-assets.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { SANDBOX_STORAGES } from '../support/vm/vm-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-confidential-'));
const files = { image: join(folder, 'guest.image'), initrd: join(folder, 'guest.initrd') } as const;
beforeAll(async () => {
  for (const [kind, recipe] of [
    ['image', 'confidential'],
    ['initrd', 'confidential-initrd'],
  ] as const) {
    const options = { cacheFolder: join(folder, 'cache'), defaultAgent: releaseAgent };
    await buildGuest({ recipe: await findRecipe(recipe, architectureName()), kind, file: files[kind], ...options });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rootOf = (kind: keyof typeof files): GuestRoot =>
  kind === 'image' ? imageRoot(files.image) : { kind: 'initrd', path: files.initrd };

describe.each(['lean', 'confidential'] as const)('the confidential guest with the %s kernel', (choice) => {
  const kernel = findKernel(choice)?.path;
  const hint = kernel === undefined ? ` (needs it: make kernel CONFIG=${choice})` : '';
  it.skipIf(kernel === undefined).each(['image', 'initrd'] as const)(
    `as an %s runs containers, and gives the host no way in${hint}`,
    { timeout: 300_000 },
    async (kind) => {
      await using vm = await TestVm.boot({
        machine: 'q35',
        config: { root: rootOf(kind), ...(kernel === undefined ? {} : { kernel }) },
      });
      const client = await vm.connect();
      await client.call('CreateSandbox', { sandbox_id: 'confidential', storages: SANDBOX_STORAGES });
      const device = kind === 'image' ? '/dev/\\(root\\|dm-0\\) / erofs ro' : '\\(rootfs\\|none\\|tmpfs\\) / ';
      const { status, stdout } = await TestContainer.run(client, {
        root: vm.root,
        run: `grep -q '^${device}' /guest/proc/1/mounts && [ ! -e /guest/bin/sh ] && echo seen && exit 7`,
        mounts: [{ destination: '/guest', source: '/', type: 'bind', options: ['rbind', 'ro'] }],
      });
      // What it said stays in the guest.
      expect([status, stdout]).toEqual([7, '']);
      const ids = { container_id: 'c', exec_id: '' };
      for (const [call, name] of [
        [client.call('ExecProcess', { ...ids, exec_id: 'e' }), 'ExecProcessRequest'],
        [client.call('WriteStdin', { ...ids, data: Uint8Array.of(1) }), 'WriteStreamRequest'],
        [client.call('SetPolicy', { policy: 'package agent_policy' }), 'SetPolicyRequest'],
        [client.call('GetDiagnosticData', {}), 'GetDiagnosticDataRequest'],
      ] as const)
        await expectStatus(call, 'permission_denied', `${name} is blocked by policy`);
      await vm.powerOff();
    },
  );
});
