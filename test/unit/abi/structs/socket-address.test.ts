import { describe, expect, it } from 'vitest';
import {
  netlinkAddress,
  readPeer,
  unixAddress,
  vsockAddress,
} from '../../../../agent/src/abi/structs/socket-address.ts';
import { StructView } from '../../../../agent/src/abi/structs/struct-view.ts';

function filled(bytes: Uint8Array): StructView {
  const view = new StructView(110);
  view.bytes.set(bytes);
  return view;
}

describe('unixAddress()', () => {
  it('counts the path and its NUL', () => {
    const { bytes, length } = unixAddress('/run/x');
    expect([...bytes.subarray(0, length)]).toEqual([1, 0, ...Buffer.from('/run/x'), 0]);
  });

  it('puts a NUL before an abstract name and none behind it', () => {
    const { bytes, length } = unixAddress('@kihon');
    expect([...bytes.subarray(0, length)]).toEqual([1, 0, 0, ...Buffer.from('kihon')]);
  });

  it('keeps a path that is no UTF-8', () => {
    expect([...unixAddress('/a\udcff').bytes.subarray(2, 5)]).toEqual([0x2f, 0x61, 0xff]);
  });

  it.each([[''], ['@'], ['a\0b'], ['x'.repeat(108)], ['é'.repeat(54)]])('refuses %j', (path) => {
    expect(() => unixAddress(path)).toThrow(RangeError);
  });

  it('takes 107 bytes', () => {
    expect(unixAddress('x'.repeat(107)).length).toBe(110);
    expect(unixAddress(`@${'x'.repeat(107)}`).length).toBe(110);
  });
});

it('vsockAddress() holds unsigned numbers', () => {
  const { bytes, length } = vsockAddress(0xffffffff, 1024);
  expect([...bytes.subarray(0, length)]).toEqual([40, 0, 0, 0, 0, 4, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
});

describe('readPeer()', () => {
  it('reads back what was encoded', () => {
    expect(readPeer(filled(vsockAddress(2, 0xfffffffe).bytes))).toEqual({ kind: 'vsock', cid: 2, port: 0xfffffffe });
    expect(readPeer(filled(netlinkAddress(77, 0x80000001).bytes))).toEqual({
      kind: 'netlink',
      port: 77,
      groups: 0x80000001,
    });
    expect(readPeer(filled(unixAddress('/x').bytes))).toEqual({ kind: 'unix' });
  });

  it('gives the family of an address it does not know', () => {
    expect(readPeer(filled(Uint8Array.of(10, 0)))).toEqual({ kind: 'other', family: 10 });
  });
});
