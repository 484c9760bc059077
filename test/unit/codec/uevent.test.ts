import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../../../agent/src/base/text.ts';
import { decodeUevent } from '../../../agent/src/codec/uevent.ts';

describe('decodeUevent()', () => {
  it('reads the header and the subsystem', () => {
    const text =
      'add@/devices/pci0000:00/0000:00:02.0/virtio1/block/vda\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=vda\0SEQNUM=1\0';
    expect(decodeUevent(encodeBytes(text))).toEqual({
      action: 'add',
      devicePath: '/devices/pci0000:00/0000:00:02.0/virtio1/block/vda',
      subsystem: 'block',
    });
  });

  it.each(['', 'libudev\0\xfe\xed', '@/x', 'add@x', 'add', 'ADD@/x', '\0\0'])('refuses %j', (text) => {
    expect(decodeUevent(encodeBytes(text))).toBeUndefined();
  });

  it('reads any bytes without throwing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeUevent(bytes)));
    expect(decodeUevent(new Uint8Array(10_000).fill(0x61))).toBeUndefined();
  });
});
