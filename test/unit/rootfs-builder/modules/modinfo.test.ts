import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { needsLoader } from '../../../../rootfs-builder/src/modules/elf.ts';
import { readModuleInfo } from '../../../../rootfs-builder/src/modules/modinfo.ts';

/** The smallest ELF file with a .modinfo section: header, section names, the section, three section headers. */
function moduleFile(modinfo: string): Buffer {
  const names = Buffer.from('\0.shstrtab\0.modinfo\0', 'latin1');
  const body = Buffer.from(modinfo, 'latin1');
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header[4] = 2; // 64 bits
  header[5] = 1; // little-endian
  header.writeBigUInt64LE(BigInt(64 + names.length + body.length), 40); // section headers
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(1, 62); // which section has the names
  const sections = [
    [0, 0, 0],
    [1, 64, names.length],
    [11, 64 + names.length, body.length],
  ].map(([name = 0, start = 0, size = 0]) => {
    const section = Buffer.alloc(64);
    section.writeUInt32LE(name, 0);
    section.writeBigUInt64LE(BigInt(start), 24);
    section.writeBigUInt64LE(BigInt(size), 32);
    return section;
  });
  return Buffer.concat([header, names, body, ...sections]);
}

describe('readModuleInfo()', () => {
  it('reads dependencies, hard and soft', () => {
    const file = moduleFile(
      'license=GPL\0depends=libcrc32c,virtio-ring\0softdep=pre: crc32c aes post: later\0intree=Y\0',
    );
    expect(readModuleInfo(file, 'm')).toEqual({
      depends: ['libcrc32c', 'virtio_ring'],
      softDepends: ['crc32c', 'aes'],
    });
  });

  it('takes an empty list for no dependencies', () => {
    expect(readModuleInfo(moduleFile('depends=\0'), 'm')).toEqual({ depends: [], softDepends: [] });
  });

  it('refuses what is no ELF file, naming the module', () => {
    expect(() => readModuleInfo(Buffer.from('#!/bin/sh\n'), 'kernel module x')).toThrow(
      'kernel module x: not a 64-bit',
    );
  });

  it('refuses damage with one clear error and never anything else', () => {
    const whole = moduleFile('depends=a\0');
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 }),
        (length, changes) => {
          const damaged = Buffer.from(whole.subarray(0, length));
          for (const [at, value] of changes) if (at < length) damaged[at] = value;
          for (const read of [() => readModuleInfo(damaged, 'm'), () => needsLoader(damaged, 'm')]) {
            try {
              read();
            } catch (error) {
              expect(error).toBeInstanceOf(BuildError);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
