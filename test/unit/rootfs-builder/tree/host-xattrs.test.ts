import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBytes, encodeBytes } from '../../../../agent/src/base/text.ts';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { parseDump } from '../../../../rootfs-builder/src/tree/host-xattrs.ts';

/** What getfattr does to names: some bytes become a backslash and three octal digits. */
function quoted(name: string, special: string): string {
  const latin = Buffer.from(encodeBytes(name)).toString('latin1');
  return latin.replace(/[^]/g, (each) =>
    special.includes(each) ? `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}` : each,
  );
}

const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => decodeBytes(bytes.map((byte) => (byte === 0 ? 1 : byte))));

describe('a dump of getfattr', () => {
  it('gives back names of any bytes and their attributes', () => {
    const attributes = fc.dictionary(
      name.map((each) => `user.${each}`),
      fc.uint8Array({ maxLength: 20 }),
      { maxKeys: 4 },
    );
    const files = fc.uniqueArray(
      fc.tuple(
        name.map((each) => each.replaceAll('/', '_')),
        attributes,
      ),
      {
        maxLength: 6,
        selector: ([path]) => path,
      },
    );
    fc.assert(
      fc.property(files, (listed) => {
        const dump = listed.map(([path, values]) => {
          const lines = Object.entries(values).map(
            ([key, value]) => `${quoted(key, '\\\n\r=')}=0x${Buffer.from(value).toString('hex')}\n`,
          );
          return `# file: ./${quoted(path, '\\\n\r')}\n${lines.join('')}\n`;
        });
        const parsed = parseDump(dump.join(''));
        const plain = [...parsed].map(([path, values]) => [path, Object.fromEntries(values)]);
        expect(plain).toEqual(listed.map(([path, values]) => [path, { ...values }]));
      }),
    );
  });

  it('leaves out the label of this host, and what only its file system knows', () => {
    const dump =
      '# file: .\nsecurity.selinux=0x00\nbtrfs.compression=0x01\nuser.empty=\nsystem.posix_acl_access=0x02\n\n';
    expect(parseDump(dump)).toEqual(
      new Map([
        [
          '.',
          new Map([
            ['user.empty', new Uint8Array(0)],
            ['system.posix_acl_access', Uint8Array.of(2)],
          ]),
        ],
      ]),
    );
  });

  it('of other programs is refused', () => {
    for (const text of ['user.a=0x00', '# file: a\nuser.a="text"\n', '# file: a\nuser.a=0x0\n', '# file: a\nhello\n'])
      expect(() => parseDump(text)).toThrow(BuildError);
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseDump(text);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });
});
