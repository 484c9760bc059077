import { StructView } from '../abi/structs/struct-view.ts';
import { encodeBytes } from '../base/text.ts';

/** `struct dm_ioctl` (linux/dm-ioctl.h); strings end with NUL. The same on every 64-bit architecture. */
const header = {
  sizeof: 312,
  version: 0,
  dataSize: 12,
  dataStart: 16,
  targetCount: 20,
  flags: 28,
  device: 40,
  name: 48,
  nameBytes: 128,
} as const;

/** `struct dm_target_spec`; the target's parameters follow. */
const target = { sizeof: 40, length: 8, type: 24, typeBytes: 16 } as const;

const command = (number: number): number => (0xc000fd00 | (header.sizeof << 16) | number) >>> 0;
/** Requests of ioctl(2): `_IOWR(0xfd, n, struct dm_ioctl)`. */
export const dmCommands = { create: command(3), remove: command(4), resume: command(6), load: command(9) } as const;

export const dmReadOnly = 1 << 0;
/** The device goes away when its last user does. */
export const dmDeferredRemove = 1 << 17;

/** A read-only device whose every block is checked against a tree of hashes (kernel: device-mapper/verity). */
export interface VerityTarget {
  /** Path of the block device that holds the data, and the hashes behind them. */
  readonly device: string;
  /** 1 is the current format. */
  readonly hashType: number;
  readonly dataBlockBytes: number;
  readonly hashBlockBytes: number;
  readonly dataBlocks: bigint;
  /** First hash block, in hash blocks. */
  readonly hashStart: bigint;
  readonly algorithm: string;
  /** Hexadecimal. */
  readonly rootHash: string;
  /** Hexadecimal, `-` is none. */
  readonly salt: string;
}

/** A request about the device called `name`. */
export function encodeDmRequest(name: string, flags = 0, extraBytes = 0): StructView {
  const view = new StructView(header.sizeof + extraBytes);
  const text = encodeBytes(name);
  if (text.length === 0 || text.length >= header.nameBytes) throw new RangeError(`device name of ${text.length} bytes`);
  view
    .setU32(header.version, 4)
    .setU32(header.dataSize, view.bytes.length)
    .setU32(header.dataStart, header.sizeof)
    .setU32(header.flags, flags);
  view.bytes.set(text, header.name);
  return view;
}

/** The table of a verity device: one target over all of its data. */
export function encodeVerityTable(name: string, verity: VerityTarget): StructView {
  const { device, hashType, dataBlockBytes, hashBlockBytes, dataBlocks, hashStart, algorithm, rootHash, salt } = verity;
  const words = [hashType, device, device, dataBlockBytes, hashBlockBytes, dataBlocks, hashStart, algorithm, rootHash];
  const parameters = encodeBytes(`${words.join(' ')} ${salt}`);
  const size = (target.sizeof + parameters.length + 1 + 7) & ~7;
  const view = encodeDmRequest(name, dmReadOnly, size);
  view.setU32(header.targetCount, 1);
  view.setU64(header.sizeof + target.length, (dataBlocks * BigInt(dataBlockBytes)) / 512n);
  view.bytes.set(encodeBytes('verity'), header.sizeof + target.type);
  view.bytes.set(parameters, header.sizeof + target.sizeof);
  return view;
}

/** Numbers of the device that an answer is about (huge_encode_dev of linux/kdev_t.h). */
export function dmDeviceNumber(answer: StructView): { readonly major: number; readonly minor: number } {
  const value = Number(answer.u64(header.device) & 0xffff_ffffn);
  return { major: (value >>> 8) & 0xfff, minor: (value & 0xff) | ((value >>> 12) & 0xfff00) };
}
