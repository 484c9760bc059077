import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6, RTM_NEWROUTE, RT_TABLE_MAIN } from '../../../../agent/src/abi/constants.ts';
import { encodeAddAddress, decodeAddress } from '../../../../agent/src/codec/netlink/interface-address.ts';
import { encodeChangeLink } from '../../../../agent/src/codec/netlink/link.ts';
import { decodeMessages } from '../../../../agent/src/codec/netlink/message.ts';
import { NetlinkError } from '../../../../agent/src/codec/netlink/netlink-error.ts';
import { decodeRoute, encodeReplaceRoute, type Route } from '../../../../agent/src/codec/netlink/route.ts';

const ip = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const prefix = (size: number) => fc.record({ address: ip(size), length: fc.integer({ min: 0, max: size * 8 }) });
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const route: fc.Arbitrary<Route> = fc.constantFrom(AF_INET, AF_INET6).chain((family) => {
  const size = family === AF_INET ? 4 : 16;
  return fc.record({
    family: fc.constant(family),
    destination: prefix(size),
    source: optional(prefix(size)),
    preferredSource: optional(ip(size)),
    gateway: optional(ip(size)),
    output: optional(fc.nat()),
    scope: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 0xffffffff }),
    mtu: fc.nat(),
  });
});

describe('rtnetlink messages', () => {
  it('carry a route there and back', () => {
    fc.assert(
      fc.property(route, (wanted) => {
        const [message] = decodeMessages(encodeReplaceRoute(wanted, 7));
        expect(message).toMatchObject({ sequence: 7 });
        if (message === undefined) throw new Error('no message');
        expect(decodeRoute({ ...message, type: RTM_NEWROUTE })).toEqual(wanted);
      }),
    );
  });

  it('carry an address there and back', () => {
    fc.assert(
      fc.property(fc.constantFrom(4, 16).chain(prefix), fc.nat(), (wanted, index) => {
        const [message] = decodeMessages(encodeAddAddress({ index, prefix: wanted }, 1));
        if (message === undefined) throw new Error('no message');
        expect(decodeAddress(message)).toEqual({ index, prefix: wanted });
      }),
    );
  });

  it('of other tables, families and kinds are no routes of ours', () => {
    const [message] = decodeMessages(
      encodeReplaceRoute(
        {
          family: AF_INET,
          destination: undefined,
          source: undefined,
          preferredSource: undefined,
          gateway: undefined,
          output: 1,
          scope: 0,
          flags: 0,
          mtu: 0,
        },
        1,
      ),
    );
    if (message === undefined) throw new Error('no message');
    const changed = (offset: number, value: number) => {
      const payload = message.payload.slice();
      payload[offset] = value;
      return decodeRoute({ ...message, payload });
    };
    expect(changed(4, RT_TABLE_MAIN)).toBeDefined();
    expect(changed(4, 255)).toBeUndefined();
    expect(changed(0, 17)).toBeUndefined();
    expect(decodeRoute({ ...message, type: 1 })).toBeUndefined();
  });

  it('are never decoded beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (payload) => {
        for (const decode of [decodeRoute, decodeAddress]) {
          try {
            decode({ type: decode === decodeRoute ? RTM_NEWROUTE : 20, flags: 0, sequence: 0, port: 0, payload });
          } catch (error) {
            expect(error).toBeInstanceOf(NetlinkError);
          }
        }
      }),
    );
  });

  it('API-10: refuse what their fields cannot hold', () => {
    const change = (value: Parameters<typeof encodeChangeLink>[1]) => () => encodeChangeLink(1, value, 1);
    for (const name of ['', '.', '..', 'a/b', 'a:b', 'a b', 'a'.repeat(16), 'a'.repeat(70_000), 'a\0b'])
      expect(change({ name })).toThrow(NetlinkError);
    expect(change({ address: new Uint8Array(70_000) })).toThrow(NetlinkError);
    expect(change({ mtu: 2 ** 32 })).toThrow(NetlinkError);
    expect(change({ flags: 1 })).toThrow(NetlinkError);
    expect(change({ name: 'a'.repeat(15) })).not.toThrow();
  });
});
