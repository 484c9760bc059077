import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatUnixAddress, unixSocketsOf } from '../../../../agent/src/codec/dbus/address.ts';
import { DbusError } from '../../../../agent/src/codec/dbus/dbus-error.ts';

it.each<[string, readonly string[]]>([
  ['unix:path=/run/dbus/system_bus_socket', ['/run/dbus/system_bus_socket']],
  ['unix:path=/a%20b,guid=0f;tcp:host=x,port=1;unix:abstract=/tmp/x', ['/a b', '@/tmp/x']],
  ['unix:guid=0f', []],
  ['', []],
])('%j', (address, sockets) => {
  expect(unixSocketsOf(address)).toEqual(sockets);
});

it.each(['unix:path=%', 'unix:path=%zz', 'unix:path=%00', 'unix:path=%ff'])('refuses %j', (address) => {
  expect(() => unixSocketsOf(address)).toThrow(DbusError);
});

it('a path comes back from its address', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (path) => {
      fc.pre(!path.includes('\0') && path.isWellFormed());
      expect(unixSocketsOf(formatUnixAddress(path))).toEqual([path]);
    }),
  );
});
