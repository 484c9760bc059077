import { describe, expect, it } from 'vitest';
import { resolveLoadOrder } from '../../../../rootfs-builder/src/modules/load-order.ts';
import type { ModuleSource } from '../../../../rootfs-builder/src/modules/load-order.ts';
import type { ModuleInfo } from '../../../../rootfs-builder/src/modules/modinfo.ts';

/** A kernel of the given modules ("name": what it depends on) and built-in names. */
function kernel(modules: Record<string, Partial<ModuleInfo>>, builtins: readonly string[] = []): ModuleSource {
  return {
    isBuiltin: (name) => builtins.includes(name),
    has: (name) => Object.hasOwn(modules, name),
    info: (name) => Promise.resolve({ depends: [], softDepends: [], ...modules[name] }),
  };
}

describe('resolveLoadOrder()', () => {
  it('puts each module after all it depends on, once', async () => {
    const source = kernel({ d: {}, c: { depends: ['d'] }, b: { depends: ['d'] }, a: { depends: ['b', 'c'] } });
    expect(await resolveLoadOrder(source, ['a', 'c'])).toEqual({ modules: ['d', 'b', 'c', 'a'], absent: [] });
  });

  it('keeps the wanted order where dependencies allow it', async () => {
    expect((await resolveLoadOrder(kernel({ a: {}, b: {} }), ['b', 'a'])).modules).toEqual(['b', 'a']);
  });

  it('leaves out what is built in and reports what is nowhere', async () => {
    const source = kernel({ a: { depends: ['core'] } }, ['core', 'fuse']);
    expect(await resolveLoadOrder(source, ['fuse', 'a', '9p'])).toEqual({ modules: ['a'], absent: ['9p'] });
  });

  it('takes the two spellings of a name as one', async () => {
    expect((await resolveLoadOrder(kernel({ virtio_rng: {} }), ['virtio-rng', 'virtio_rng'])).modules).toEqual([
      'virtio_rng',
    ]);
  });

  it('loads an algorithm that a module asks for softly, and does without one that is not there', async () => {
    const source = kernel({ ext4: { softDepends: ['crc32c', 'nothing'] }, crc32c_generic: {} });
    expect((await resolveLoadOrder(source, ['ext4'])).modules).toEqual(['crc32c_generic', 'ext4']);
  });

  it.each([
    ['a dependency that is missing', { a: { depends: ['b'] } }, 'kernel module a: needs b, which is missing'],
    ['a circle', { a: { depends: ['b'] }, b: { depends: ['a'] } }, 'kernel modules: a needs b needs a'],
  ])('refuses %s', async (_, modules, message) => {
    await expect(resolveLoadOrder(kernel(modules), ['a'])).rejects.toThrow(message);
  });
});
