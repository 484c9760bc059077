import { describe, expect, test } from 'vitest';
import { ARCHITECTURES } from '../../../kernel-config/src/architecture.ts';
import { CONFIGURATIONS, KATA, LEAN } from '../../../kernel-config/src/configurations.ts';
import { listFragments, loadFragments } from '../../../kernel-config/src/fragment/load-fragments.ts';

describe('the fragments in the repository', () => {
  const kernels = CONFIGURATIONS.flatMap((configuration) =>
    ARCHITECTURES.map((architecture) => [configuration.name, architecture.name, configuration.fragments] as const),
  );
  test.each(kernels)('of %s for %s merge without contradiction', async (_name, architecture, fragments) => {
    const merged = await loadFragments(fragments, architecture);
    expect(merged.size).toBeGreaterThan(200);
  });

  test('each belongs to a configuration or is an option', async () => {
    const used = new Set(CONFIGURATIONS.flatMap(({ fragments }) => fragments));
    expect((await listFragments()).filter((name) => !used.has(name))).toEqual([]);
  });

  test('an unknown fragment is refused with the list of known ones', async () => {
    await expect(loadFragments(['nett'], 'x86_64')).rejects.toThrow(/no fragment "nett"; there are: .*net-virtual/);
  });

  test.each([LEAN, KATA])(
    'VMB-01, VMB-09: $name asks for no way round the agent or into the kernel',
    async (configuration) => {
      const merged = await loadFragments(configuration.fragments, 'x86_64');
      const off = [
        'VSOCKETS_LOOPBACK',
        'CRYPTO_USER_API_HASH',
        'CRYPTO_USER_API_SKCIPHER',
        'CRYPTO_USER_API_AEAD',
        'CRYPTO_USER_API_RNG',
        'USERFAULTFD',
        'IO_URING',
        'KEXEC',
        'KEXEC_FILE',
        'MODULES',
        'DEVMEM',
      ];
      expect(off.filter((name) => merged.get(name)?.value !== 'n')).toEqual([]);
    },
  );

  test('lean has what the host side boots with, and what images need as root without an initrd', async () => {
    const merged = await loadFragments(LEAN.fragments, 'x86_64');
    const on = [
      'PVH',
      'VIRTIO_PCI',
      'VIRTIO_MMIO_CMDLINE_DEVICES',
      'VIRTIO_VSOCKETS',
      'VIRTIO_FS',
      'EROFS_FS',
      'DM_VERITY',
      'DM_INIT',
      'ND_PFN',
      'FS_DAX',
      'VIRTIO_PMEM',
      'VIRTIO_MEM',
      'SCSI_VIRTIO',
      'CGROUP_BPF',
    ];
    expect(on.filter((name) => merged.get(name)?.value !== 'y')).toEqual([]);
  });
});
