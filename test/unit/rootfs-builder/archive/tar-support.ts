/** Tar archives made by hand, also such as no program would make. */

/** One header block and the data after it. */
export interface RawEntry {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly data?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** In place of the size of the data. */
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
}

/** The blocks of one entry. */
export function tarEntry(entry: RawEntry): Buffer {
  const { name, type = '0', link = '', mode = 0o644, uid = 0, gid = 0, mtime = 0, major = 0, minor = 0 } = entry;
  const data = Buffer.from(entry.data ?? '');
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, 'latin1');
  const octal = (value: number, at: number, length: number): void =>
    void block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(entry.size ?? data.length, 124, 12);
  octal(mtime, 136, 12);
  block.write(type, 156, 'latin1');
  block.write(link, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(major, 329, 8);
  octal(minor, 337, 8);
  return Buffer.concat([sealed(block), data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

/** The block with its checksum put right. */
export function sealed(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0`, 148, 'latin1');
  return block;
}

/** A pax record, or with `length` one that lies. */
export function paxRecord(keyword: string, value: string | Uint8Array, length?: number): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from('\n')]);
  let total = rest.length + 1;
  while (String(total).length + rest.length !== total) total = String(total).length + rest.length;
  return Buffer.concat([Buffer.from(String(length ?? total)), rest]);
}

/** An extended header for the next entry. */
export function paxHeader(...records: Buffer[]): Buffer {
  return tarEntry({ name: 'pax', type: 'x', data: Buffer.concat(records) });
}

/** A whole archive. */
export function tarArchive(...parts: (Buffer | RawEntry)[]): Buffer {
  const blocks = parts.map((part) => (Buffer.isBuffer(part) ? part : tarEntry(part)));
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
