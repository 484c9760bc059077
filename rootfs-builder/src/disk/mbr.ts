/** The partition table of a PC ("msdos" label): the last 72 bytes of the first sector. */
import { BuildError } from '../build-error.ts';

export const SECTOR_BYTES = 512;
const SIGNATURE_OFFSET = 440;
const TABLE_OFFSET = 446;
const ENTRY_BYTES = 16;
/** Linux data; parted writes it for every Linux file system. */
export const TYPE_LINUX = 0x83;
/** The geometry that everybody invents for a disk that has none. */
const HEADS = 255;
const SECTORS_PER_TRACK = 63;

/** One primary partition, in sectors of 512 bytes. */
export interface Partition {
  readonly startSector: number;
  readonly sectors: number;
  readonly bootable?: boolean;
}

/** A master boot record without code. `identifier` is the disk's 32-bit signature. */
export function encodeMbr(partitions: readonly Partition[], identifier: number): Uint8Array {
  if (partitions.length > 4) throw new BuildError(`partition table: ${partitions.length} partitions; 4 are possible`);
  const sector = Buffer.alloc(SECTOR_BYTES);
  sector.writeUInt32LE(identifier >>> 0, SIGNATURE_OFFSET);
  for (const [index, { startSector, sectors, bootable = false }] of partitions.entries()) {
    for (const value of [startSector, sectors])
      if (value < 1 || value > 0xffff_ffff)
        throw new BuildError(`partition table: ${value} sectors do not fit it (2 TiB)`);
    const at = TABLE_OFFSET + index * ENTRY_BYTES;
    sector.writeUInt8(bootable ? 0x80 : 0, at);
    sector.set(chs(startSector), at + 1);
    sector.writeUInt8(TYPE_LINUX, at + 4);
    sector.set(chs(startSector + sectors - 1), at + 5);
    sector.writeUInt32LE(startSector, at + 8);
    sector.writeUInt32LE(sectors, at + 12);
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** Reads the primary partitions. Throws BuildError when the sector is no partition table. */
export function decodeMbr(bytes: Uint8Array): Partition[] {
  if (bytes.length < SECTOR_BYTES) throw new BuildError(`partition table: only ${bytes.length} bytes`);
  const sector = Buffer.from(bytes.buffer, bytes.byteOffset, SECTOR_BYTES);
  if (sector.readUInt16LE(510) !== 0xaa55) throw new BuildError('partition table: no signature');
  const partitions: Partition[] = [];
  for (let at = TABLE_OFFSET; at < TABLE_OFFSET + 4 * ENTRY_BYTES; at += ENTRY_BYTES) {
    if (sector.readUInt8(at + 4) === 0) continue;
    const startSector = sector.readUInt32LE(at + 8);
    const sectors = sector.readUInt32LE(at + 12);
    if (startSector === 0 || sectors === 0) throw new BuildError('partition table: an empty partition');
    partitions.push({ startSector, sectors, bootable: (sector.readUInt8(at) & 0x80) !== 0 });
  }
  return partitions;
}

/** Head, sector and cylinder in three bytes; the largest when the sector lies beyond what they can say. */
function chs(lba: number): Uint8Array {
  const cylinder = Math.floor(lba / (HEADS * SECTORS_PER_TRACK));
  if (cylinder > 1023) return Uint8Array.of(0xfe, 0xff, 0xff);
  const head = Math.floor(lba / SECTORS_PER_TRACK) % HEADS;
  const sector = (lba % SECTORS_PER_TRACK) + 1;
  return Uint8Array.of(head, sector | ((cylinder >> 2) & 0xc0), cylinder & 0xff);
}
