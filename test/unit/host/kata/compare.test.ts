import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compareConfiguration, type AssetFacts } from '../../../../host/kata/compare.ts';
import { mergeTables } from '../../../../host/kata/configuration.ts';
import { guestKeys, type KataAssets } from '../../../../host/kata/guest-assets.ts';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';

const assets: KataAssets = {
  kernel: '/p/vmlinux',
  initrd: '/p/initrd',
  image: { path: '/p/image', rootType: 'erofs', verity: '' },
};
const facts: AssetFacts = { exists: () => true, size: () => 1 << 20 };
const kindsOf = (values: Record<string, unknown>, given = assets, known = facts): Record<string, string> =>
  Object.fromEntries(compareConfiguration(values, given, known).map(({ key, kind }) => [key, kind]));

test('a configuration as Kata ships it changes in three keys', () => {
  const shipped = { hypervisor: { qemu: { kernel: '/k', image: '/i', machine_type: 'q35', default_memory: 2048 } } };
  expect(kindsOf(shipped)).toEqual({
    'hypervisor.qemu.kernel': 'change',
    'hypervisor.qemu.initrd': 'change',
    'hypervisor.qemu.image': 'change',
  });
});

test.each(HYPERVISORS)('with the drop-in in place nothing changes ($title)', (hypervisor) => {
  const before = { hypervisor: { [hypervisor.table]: { kernel: '/k', image: '/i', default_memory: 512 } } };
  const after = mergeTables(before, { hypervisor: { [hypervisor.table]: guestKeys(hypervisor, assets) } });
  expect(new Set(Object.values(kindsOf(after as Record<string, unknown>)))).toEqual(new Set(['same']));
});

describe('what would not work is a problem', () => {
  const key = 'hypervisor.qemu.default_memory';
  it.each([
    ['less memory than Kata allows', { default_memory: 128 }, key],
    ['memory that is no number', { default_memory: '2G' }, key],
    ['a digest of another kernel', { kernel_hash: 'abc' }, 'hypervisor.qemu.kernel_hash'],
  ])('%s', (_what, qemu, at) => {
    expect(kindsOf({ hypervisor: { qemu } })[at]).toBe('problem');
  });

  it('an initrd that does not fit into the memory', () => {
    const large = { ...facts, size: () => 600 << 20 };
    expect(kindsOf({ hypervisor: { qemu: { default_memory: 512 } } }, assets, large)[key]).toBe('problem');
  });

  it('files that are not there', () => {
    const gone = { exists: () => false, size: () => 0 };
    const remarks = compareConfiguration({ hypervisor: { clh: {} } }, assets, gone);
    expect(remarks.filter(({ kind }) => kind === 'problem').map(({ then }) => then)).toEqual([
      '"/p/vmlinux"',
      '"/p/initrd"',
    ]);
  });

  it('Firecracker without an image, and no hypervisor at all', () => {
    const bare = { kernel: '/p/vmlinux', initrd: '/p/initrd', image: undefined };
    const remarks = compareConfiguration({ hypervisor: { firecracker: {} } }, bare, facts);
    expect(remarks[0]).toMatchObject({ key: 'hypervisor.firecracker.image', kind: 'problem' });
    expect(kindsOf({})).toEqual({ hypervisor: 'problem' });
    expect(kindsOf({ hypervisor: { qemu: 3 } })).toEqual({ 'hypervisor.qemu': 'problem' });
  });
});

test('an image says its file system, and whether it is measured, over what another image said', () => {
  const before = { image: '/i', kernel: '/k', rootfs_type: 'ext4', kernel_verity_params: 'root_hash=ab' };
  const remarks = compareConfiguration({ hypervisor: { firecracker: before } }, assets, facts);
  const changes = Object.fromEntries(remarks.map(({ key, now, then }) => [key.replace(/.*\./, ''), [now, then]]));
  expect(changes['rootfs_type']).toEqual(['"ext4"', '"erofs"']);
  expect(changes['kernel_verity_params']).toEqual(['"root_hash=ab"', '""']);
});

test('hypervisors that we have nothing for are left alone, and said', () => {
  expect(kindsOf({ hypervisor: { stratovirt: { kernel: '/k' } } })).toEqual({ 'hypervisor.stratovirt': 'note' });
});

test('whatever is in the tables, the comparison ends with an answer', () => {
  const table = fc.dictionary(
    fc.constantFrom('kernel', 'image', 'default_memory', 'shared_fs', 'kernel_hash'),
    fc.jsonValue(),
  );
  const values = fc.dictionary(
    fc.constantFrom('hypervisor', 'agent'),
    fc.dictionary(fc.constantFrom('qemu', 'clh', 'x'), fc.oneof(table, fc.jsonValue())),
  );
  fc.assert(
    fc.property(values, (given) => {
      for (const { key } of compareConfiguration(given, assets, facts)) expect(key).toMatch(/^hypervisor/);
    }),
    { numRuns: 30 },
  );
});
