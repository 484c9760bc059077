import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeAttributes,
  decodeText,
  decodeUint32,
  encodeAttribute,
  encodeTextAttribute,
  encodeUint32Attribute,
  findAttribute,
  MAX_ATTRIBUTE_PAYLOAD,
} from '../../../../agent/src/codec/netlink/attribute.ts';
import {
  checkInterfaceName,
  decodeLink,
  encodeDumpLinks,
  encodeGetLink,
  encodeSetLinkFlags,
  encodeSetLinkUp,
} from '../../../../agent/src/codec/netlink/link.ts';
import { decodeMessages, decodeStatus, encodeMessage } from '../../../../agent/src/codec/netlink/message.ts';
import { NetlinkError } from '../../../../agent/src/codec/netlink/netlink-error.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

describe('attributes', () => {
  test('are padded to four bytes, the length is not', () => {
    expect(encodeTextAttribute(3, 'lo')).toEqual(hex('0700 0300 6c6f00 00'));
    expect(encodeUint32Attribute(4, 1500)).toEqual(hex('0800 0400 dc050000'));
    expect(encodeAttribute(1, hex(''))).toEqual(hex('0400 0100'));
  });

  test('round-trip', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: fc.nat({ max: 0x3fff }), payload: fc.uint8Array({ maxLength: 40 }) })),
        (list) => {
          const bytes = concat(...list.map(({ type, payload }) => encodeAttribute(type, payload)));
          expect(
            decodeAttributes(bytes).map(({ type, payload }) => ({ type, payload: Uint8Array.from(payload) })),
          ).toEqual(list);
        },
      ),
    );
  });

  test('a payload that would wrap the length is refused, the largest fits (API-10)', () => {
    expect(encodeAttribute(1, new Uint8Array(MAX_ATTRIBUTE_PAYLOAD)).length).toBe(65536);
    expect(() => encodeAttribute(1, new Uint8Array(MAX_ATTRIBUTE_PAYLOAD + 1))).toThrow(NetlinkError);
    expect(() => encodeAttribute(1, new Uint8Array(70_000))).toThrow(/do not fit/);
    expect(() => encodeTextAttribute(3, 'a\0b')).toThrow(NetlinkError);
    expect(() => encodeUint32Attribute(4, 2 ** 32)).toThrow(NetlinkError);
    expect(() => encodeAttribute(0x10000, hex(''))).toThrow(NetlinkError);
  });

  test('the flag bits are not part of the type, and the last of a type counts', () => {
    const list = decodeAttributes(hex('0500 0180 aa000000 0500 0100 bb000000'));
    expect(list.map(({ type }) => type)).toEqual([1, 1]);
    expect(findAttribute(list, 1)).toEqual(hex('bb'));
    expect(findAttribute(list, 2)).toBeUndefined();
  });

  test.each(['0300 0100', '0000 0000', 'ffff 0100 00', '0900 0100 00000000'])('%s is refused', (bytes) => {
    expect(() => decodeAttributes(hex(bytes))).toThrow(NetlinkError);
  });

  test('short numbers are refused, text ends at NUL', () => {
    expect(() => decodeUint32(hex('0000'))).toThrow(NetlinkError);
    expect(decodeText(hex('6c6f00ff'))).toBe('lo');
    expect(decodeText(hex('6c6f'))).toBe('lo');
  });
});

describe('messages', () => {
  test('GETLINK of lo, byte by byte', () => {
    expect(encodeGetLink('lo', 7)).toEqual(
      hex(
        `
        28000000 1200 0100 07000000 00000000  // 40 bytes, RTM_GETLINK, REQUEST, sequence, port
        00 00 0000 00000000 00000000 00000000 // ifinfomsg
        0700 0300 6c6f0000                    // IFLA_IFNAME
      `.replaceAll(/\/\/.*/g, ''),
      ),
    );
  });

  test('SETLINK up and down, byte by byte', () => {
    expect(encodeSetLinkUp(1, true, 8)).toEqual(
      hex('20000000 1300 0500 08000000 00000000  00 00 0000 01000000 01000000 01000000'),
    );
    expect(encodeSetLinkUp(1, false, 9)).toEqual(
      hex('20000000 1300 0500 09000000 00000000  00 00 0000 01000000 00000000 01000000'),
    );
    expect(encodeDumpLinks(2).subarray(4, 8)).toEqual(hex('1200 0103'));
    // In RTM_SETLINK a mask of 0 would set every flag.
    expect(() => encodeSetLinkFlags(1, 1, 0, 1)).toThrow(NetlinkError);
  });

  test("a link round-trips through the kernel's form", () => {
    const info = hex('00 00 0403 02000000 49000100 00000000');
    const message = encodeMessage({ type: 16, flags: 0, sequence: 1, port: 5 }, [
      info,
      encodeTextAttribute(3, 'eth0'),
      encodeUint32Attribute(4, 1400),
      encodeAttribute(1, hex('020000000001')),
      encodeAttribute(99, hex('ff')),
    ]);
    const [decoded] = decodeMessages(message);
    expect(decoded === undefined ? undefined : decodeLink(decoded)).toEqual({
      index: 2,
      name: 'eth0',
      type: 772,
      flags: 0x10049,
      address: hex('020000000001'),
      mtu: 1400,
    });
  });

  test('several messages in one datagram, padded', () => {
    const one = encodeMessage({ type: 16, flags: 2, sequence: 1, port: 0 }, [hex('aabbcc')]);
    expect(one.length).toBe(20);
    expect(decodeMessages(concat(one, one)).length).toBe(2);
    expect(decodeMessages(hex(''))).toEqual([]);
  });

  test('an acknowledgement, an error, and the end of a dump', () => {
    const status = (type: number, flags: number, payload: Uint8Array) =>
      decodeStatus({ type, flags, sequence: 1, port: 0, payload });
    const echoed = hex('20000000 1300 0500 08000000 00000000');
    expect(status(2, 0x100, concat(hex('00000000'), echoed))).toEqual({ errno: 0, text: '' });
    expect(status(2, 0, concat(hex('edffffff'), echoed, new Uint8Array(16)))).toEqual({ errno: 19, text: '' });
    expect(status(3, 0, hex('00000000'))).toEqual({ errno: 0, text: '' });
    expect(status(3, 0, hex(''))).toEqual({ errno: 0, text: '' });
    expect(status(16, 0, hex(''))).toBeUndefined();
    expect(() => status(2, 0, hex('00'))).toThrow(NetlinkError);
  });

  test("the kernel's own words are found behind the echoed request, capped or not", () => {
    const words = encodeTextAttribute(1, 'Invalid MTU');
    const header = hex('20000000 1300 0500 08000000 00000000');
    const decode = (flags: number, payload: Uint8Array) =>
      decodeStatus({ type: 2, flags, sequence: 1, port: 0, payload })?.text;
    expect(decode(0x300, concat(hex('eaffffff'), header, words))).toBe('Invalid MTU');
    expect(decode(0x200, concat(hex('eaffffff'), header, new Uint8Array(16), words))).toBe('Invalid MTU');
    expect(decode(0x200, concat(hex('eaffffff'), hex('ffffffff 1300 0500 08000000 00000000')))).toBe('');
    expect(decode(0x300, hex('eaffffff'))).toBe('');
  });

  test('any bytes give messages or a NetlinkError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, plausible) => {
        if (plausible && bytes.length >= 16) bytes.set([bytes.length, 0, 0, 0, bytes[4]! % 20, 0, 0, 3]);
        try {
          for (const message of decodeMessages(bytes)) {
            decodeStatus(message);
            decodeLink(message);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(NetlinkError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('checkInterfaceName()', () => {
  test.each(['lo', 'eth0', 'a'.repeat(15), '%d', 'été'])('takes %j', (name) =>
    expect(() => checkInterfaceName(name)).not.toThrow(),
  );
  test.each(['', '.', '..', 'a/b', 'a:b', 'a b', 'a\nb', 'a\0', 'a'.repeat(16), 'é'.repeat(8), 'a'.repeat(70_000)])(
    'refuses %j',
    (name) => expect(() => checkInterfaceName(name)).toThrow(NetlinkError),
  );
});
