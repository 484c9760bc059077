import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAddress, encodeNewAddress } from '../../../../agent/src/codec/netlink/address.ts';
import { encodeDumpAddresses } from '../../../../agent/src/codec/netlink/ifaddrmsg.ts';
import { encodeMoveLink } from '../../../../agent/src/codec/netlink/link.ts';
import { decodeMessages } from '../../../../agent/src/codec/netlink/message.ts';
import { NetlinkError } from '../../../../agent/src/codec/netlink/netlink-error.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('addresses', () => {
  it('are asked for with a dump of all families', () => {
    // nlmsghdr: 24 bytes, RTM_GETADDR (22), REQUEST|DUMP, sequence 7; an empty ifaddrmsg
    expect(hex(encodeDumpAddresses(7))).toBe(
      '18000000' + '1600' + '0103' + '07000000' + '00000000' + '0000000000000000',
    );
  });

  it('come back as they were sent, on another interface', () => {
    fc.assert(
      fc.property(
        fc.record({
          index: fc.nat(0x7fffffff),
          family: fc.constantFrom(2, 10),
          prefixLength: fc.nat(128),
          flags: fc.nat(0xffff),
          scope: fc.nat(255),
          addresses: fc.uniqueArray(
            fc.record({ type: fc.constantFrom(1, 2, 4), payload: fc.uint8Array({ minLength: 4, maxLength: 16 }) }),
            { selector: ({ type }) => type },
          ),
        }),
        (address) => {
          const [message] = decodeMessages(encodeNewAddress(address, 1));
          expect(decodeAddress(message!)).toEqual(address);
        },
      ),
    );
  });

  it('that are cut short are refused', () => {
    expect(() => decodeAddress({ type: 20, flags: 0, sequence: 0, port: 0, payload: new Uint8Array(7) })).toThrow(
      NetlinkError,
    );
    expect(decodeAddress({ type: 16, flags: 0, sequence: 0, port: 0, payload: new Uint8Array(7) })).toBeUndefined();
  });
});

describe('encodeMoveLink()', () => {
  it('names the namespace and the new name', () => {
    const [message] = decodeMessages(encodeMoveLink(3, 9, 'eth0', 1));
    // ifinfomsg of interface 3, IFLA_NET_NS_FD (28) 9, IFLA_IFNAME (3) "eth0"
    expect(hex(message!.payload)).toBe(
      '00000000' +
        '03000000' +
        '00000000' +
        '00000000' +
        '08001c00' +
        '09000000' +
        '09000300' +
        '65746830' +
        '00000000',
    );
    expect(() => encodeMoveLink(3, 9, 'a/b', 1)).toThrow(NetlinkError);
  });
});
