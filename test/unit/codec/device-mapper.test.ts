import { describe, expect, it } from 'vitest';
import {
  dmCommands,
  dmDeviceNumber,
  encodeDmRequest,
  encodeVerityTable,
} from '../../../agent/src/codec/device-mapper.ts';
import { decodeBytes } from '../../../agent/src/base/text.ts';

const verity = {
  device: '/dev/vda1',
  hashType: 1,
  dataBlockBytes: 4096,
  hashBlockBytes: 4096,
  dataBlocks: 10n,
  hashStart: 11n,
  algorithm: 'sha256',
  rootHash: 'ab'.repeat(32),
  salt: '-',
};

describe('requests of the device mapper', () => {
  it('have the numbers of linux/dm-ioctl.h', () => {
    expect(dmCommands).toEqual({ create: 0xc138fd03, remove: 0xc138fd04, resume: 0xc138fd06, load: 0xc138fd09 });
  });

  it('say version, sizes and name', () => {
    const view = encodeDmRequest('kata', 5);
    expect([view.u32(0), view.u32(12), view.u32(16), view.u32(28)]).toEqual([4, 312, 312, 5]);
    expect(decodeBytes(view.bytes.subarray(48, 53))).toBe('kata\0');
    expect(() => encodeDmRequest('')).toThrow(RangeError);
    expect(() => encodeDmRequest('x'.repeat(128))).toThrow(RangeError);
  });

  it('describe one read-only target over all data, in sectors', () => {
    const view = encodeVerityTable('kata', verity);
    expect([view.u32(20), view.u32(28), view.u64(312), view.u64(320)]).toEqual([1, 1, 0n, 80n]);
    expect(view.bytes.length % 8).toBe(0);
    expect(view.u32(12)).toBe(view.bytes.length);
    expect(decodeBytes(view.bytes.subarray(336, 343))).toBe('verity\0');
    const text = decodeBytes(view.bytes.subarray(352));
    expect(text.slice(0, text.indexOf('\0'))).toBe(`1 /dev/vda1 /dev/vda1 4096 4096 10 11 sha256 ${verity.rootHash} -`);
  });

  it('answer with a device number', () => {
    const view = encodeDmRequest('kata');
    view.setU64(40, (253n << 8n) | 7n | (1n << 20n));
    expect(dmDeviceNumber(view)).toEqual({ major: 253, minor: 263 });
  });
});
