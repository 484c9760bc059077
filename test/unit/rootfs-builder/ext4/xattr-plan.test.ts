import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { planXattrs } from '../../../../rootfs-builder/src/ext4/xattr-plan.ts';
import type { XattrPlan } from '../../../../rootfs-builder/src/ext4/xattr-plan.ts';
import { FileTree } from '../../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../../rootfs-builder/src/tree/inodes.ts';

const planOf = (xattrs: readonly (readonly [string, number])[]): XattrPlan => {
  const values = new Map(xattrs.map(([name, length]) => [name, new Uint8Array(length)]));
  const tree = new FileTree().file('usr/f', '', { xattrs: values }).link('usr/g', 'usr/f').file('plain', '');
  return planXattrs(new Set(namedInodes(tree).map(({ inode }) => inode)));
};

describe('planXattrs()', () => {
  it('asks for nothing while a block holds all', () => {
    expect(planOf([['user.a', 4040]])).toEqual({ hasValueInodes: false, valueInodes: 0 });
    const capability = ['security.capability', 20] as const;
    expect(planOf([capability, ['security.selinux', 30], ['user.note', 3900]])).toMatchObject({
      hasValueInodes: false,
    });
  });

  it('gives values inodes of their own when a block does not hold them', () => {
    expect(planOf([['user.a', 4041]])).toEqual({ hasValueInodes: true, valueInodes: 1 });
    expect(
      planOf([
        ['user.a', 3000],
        ['user.b', 3000],
        ['user.c', 3000],
      ]),
    ).toEqual({ hasValueInodes: true, valueInodes: 3 });
    // Each entry and each value is padded.
    const many = Array.from({ length: 130 }, (_, index) => [`user.${index + 100}`, 9] as const);
    expect(planOf(many)).toMatchObject({ hasValueInodes: true });
  });

  it('names file, attribute and sizes of what cannot be written', () => {
    expect(() => planOf([['user.big', 4097]])).toThrow(
      'ext4: usr/f: extended attribute user.big of 4097 bytes; debugfs writes 4096 at most, erofs holds more',
    );
    const many = Array.from({ length: 20 }, (_, index) => [`user.${index}${'n'.repeat(240)}`, 1] as const);
    expect(() => planOf(many)).toThrow(
      'ext4: usr/f: 20 extended attributes with names of 5200 and values of 20 bytes; there is room for 4060 bytes of names',
    );
  });

  it('refuses with one line or plans, whatever the attributes', () => {
    const attribute = fc.tuple(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 100 }), fc.nat(65_000));
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 40 }), (attributes) => {
        try {
          const { hasValueInodes, valueInodes } = planOf(attributes.map(([name, length]) => [`user.${name}`, length]));
          expect(hasValueInodes).toBe(valueInodes > 0);
          expect(valueInodes).toBeLessThanOrEqual(attributes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });
});
