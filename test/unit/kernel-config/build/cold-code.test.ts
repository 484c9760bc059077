import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ARCHITECTURES, findArchitecture } from '../../../../kernel-config/src/architecture.ts';
import { COLD_CODE_FILE, codeFlags, parseColdCode } from '../../../../kernel-config/src/build/cold-code.ts';
import { CONFIGURATIONS, DEFAULT_SERIES, LEAN } from '../../../../kernel-config/src/configurations.ts';

const X86_64 = findArchitecture('x86_64');

describe('parseColdCode()', () => {
  test('makes patterns of objects from folders and C files', () => {
    expect(parseColdCode('# why\n\ndrivers/acpi/\ninit/\nkernel/bpf/verifier.c\n')).toEqual([
      'drivers/acpi/%',
      'init/%',
      'kernel/bpf/verifier.o',
    ]);
  });

  test.each([
    ['a folder without its slash', 'drivers/acpi'],
    ['an object', 'kernel/cpu.o'],
    ['an absolute path', '/kernel/cpu.c'],
    ['a way out of the tree', '../kernel/cpu.c'],
    ['a pattern of make', 'kernel/%.c'],
    ['a variable of make', 'kernel/$(x).c'],
    ['two names', 'init/ kernel/cpu.c'],
    ['the same twice', 'init/\ninit/'],
  ])('refuses %s, with its line', (_name, text) => {
    expect(() => parseColdCode(text)).toThrow(/cold-code\.conf, line [12]: /);
  });

  test('the list in the repository leaves what runs often to speed', async () => {
    const patterns = parseColdCode(await readFile(COLD_CODE_FILE, 'utf8'));
    const isCold = (object: string): boolean =>
      patterns.some((pattern) =>
        pattern.endsWith('%') ? object.startsWith(pattern.slice(0, -1)) : pattern === object,
      );
    expect(['drivers/acpi/acpica/dsargs.o', 'kernel/bpf/verifier.o'].filter((object) => !isCold(object))).toEqual([]);
    const hot = [
      ...['arch/x86/entry/common.o', 'arch/x86/kernel/process_64.o', 'arch/x86/kernel/tsc.o', 'arch/x86/mm/fault.o'],
      ...['block/blk-mq.o', 'drivers/block/virtio_blk.o', 'drivers/md/dm-verity-target.o', 'drivers/net/virtio_net.o'],
      // Loops over all memory and all code, at each start.
      ...[
        'arch/x86/kernel/alternative.o',
        'arch/x86/mm/pat/set_memory.o',
        'init/initramfs.o',
        'mm/memblock.o',
        'mm/mm_init.o',
      ],
      ...[
        'drivers/nvdimm/pmem.o',
        'drivers/tty/n_tty.o',
        'drivers/virtio/virtio_ring.o',
        'fs/ext4/inode.o',
        'fs/namei.o',
      ],
      ...['fs/erofs/zdata.o', 'fs/fuse/dev.o', 'fs/overlayfs/copy_up.o', 'kernel/bpf/hashtab.o', 'kernel/fork.o'],
      ...[
        'kernel/futex/core.o',
        'kernel/sched/core.o',
        'kernel/sched/fair.o',
        'kernel/time/hrtimer.o',
        'lib/vsprintf.o',
      ],
      ...['lib/zstd/decompress/huf_decompress.o', 'mm/memory.o', 'mm/page_alloc.o', 'mm/slub.o', 'net/core/dev.o'],
      ...['net/core/skbuff.o', 'net/ipv4/tcp_input.o', 'net/unix/af_unix.o', 'net/vmw_vsock/virtio_transport.o'],
    ];
    expect(hot.filter(isCold)).toEqual([]);
  });
});

describe('codeFlags()', () => {
  test('let make choose size for cold objects of lean on x86_64, in series that need it', async () => {
    expect(await codeFlags(LEAN, X86_64!, '7.2')).toMatch(/^\$\(if \$\(filter [\w/%. -]+,\$@\),-Os\)$/);
  });

  test('are none for every other kernel', async () => {
    for (const configuration of CONFIGURATIONS) {
      for (const architecture of ARCHITECTURES) {
        const isLean = configuration === LEAN && architecture === X86_64;
        expect(await codeFlags(configuration, architecture, isLean ? DEFAULT_SERIES : '7.2')).toBe('');
      }
    }
  });
});
