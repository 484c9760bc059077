import { describe, expect, test } from 'vitest';
import { CONFIGURATIONS, KATA, LEAN } from '../../../kernel-config/src/configurations.ts';
import { listFragments, loadFragments } from '../../../kernel-config/src/fragment/load-fragments.ts';

describe('the fragments in the repository', () => {
  test.each(CONFIGURATIONS.map((configuration) => [configuration.name, configuration] as const))(
    'of %s merge without contradiction',
    async (_name, { fragments }) => {
      const merged = await loadFragments(fragments);
      expect(merged.size).toBeGreaterThan(200);
    },
  );

  test('are all readable, and each belongs to a configuration or is an option', async () => {
    const used = new Set(CONFIGURATIONS.flatMap(({ fragments }) => fragments));
    const unused = (await listFragments()).filter((name) => !used.has(name));
    expect(unused).toEqual(['debug']);
    await expect(loadFragments(['debug'])).resolves.toBeDefined();
  });

  test('an unknown fragment is refused with the list of known ones', async () => {
    await expect(loadFragments(['nett'])).rejects.toThrow(/no fragment "nett"; there are: .*net-virtual/);
  });

  test.each([LEAN, KATA])(
    'VMB-01, VMB-09: $name asks for no way round the agent or into the kernel',
    async (configuration) => {
      const merged = await loadFragments(configuration.fragments);
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

  test('lean has what the host side boots with', async () => {
    const merged = await loadFragments(LEAN.fragments);
    const on = [
      'PVH',
      'VIRTIO_PCI',
      'VIRTIO_MMIO_CMDLINE_DEVICES',
      'VIRTIO_VSOCKETS',
      'VIRTIO_FS',
      '9P_FS',
      'CGROUP_BPF',
    ];
    expect(on.filter((name) => merged.get(name)?.value !== 'y')).toEqual([]);
  });
});
