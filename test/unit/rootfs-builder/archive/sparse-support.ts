/** Sparse entries as GNU tar writes them, and such as nobody would. */
import { TarReader } from '../../../../rootfs-builder/src/archive/tar-reader.ts';
import type { TarHeader } from '../../../../rootfs-builder/src/archive/tar-reader.ts';
import { paxHeader, paxRecord, sealed, tarEntry } from './tar-support.ts';

/** A sparse file: regions as [offset, length], its size, and what is stored. */
export interface SparsePlan {
  readonly name: string;
  readonly regions: readonly (readonly [offset: number, length: number])[];
  readonly realBytes: number;
  readonly stored: Uint8Array;
}

/** The formats that GNU tar writes. */
export const SPARSE_FORMATS = ['gnu', '0.0', '0.1', '1.0'] as const;
export type SparseFormat = (typeof SPARSE_FORMATS)[number];

/** The blocks of one sparse file. */
export function sparseEntry(format: SparseFormat, plan: SparsePlan): Buffer {
  const { name, regions, realBytes, stored } = plan;
  const numbers = regions.flat().map(String);
  switch (format) {
    case 'gnu':
      return oldGnu(plan);
    case '0.0': {
      const pairs = regions.flatMap(([offset, length]) => [
        paxRecord('GNU.sparse.offset', String(offset)),
        paxRecord('GNU.sparse.numbytes', String(length)),
      ]);
      const facts = [
        paxRecord('GNU.sparse.size', String(realBytes)),
        paxRecord('GNU.sparse.numblocks', String(regions.length)),
      ];
      return Buffer.concat([paxHeader(...facts, ...pairs), tarEntry({ name, data: stored })]);
    }
    case '0.1': {
      const records = [
        paxRecord('GNU.sparse.size', String(realBytes)),
        paxRecord('GNU.sparse.numblocks', String(regions.length)),
        paxRecord('GNU.sparse.name', name),
        ...(numbers.length === 0 ? [] : [paxRecord('GNU.sparse.map', numbers.join(','))]),
      ];
      return Buffer.concat([paxHeader(...records), tarEntry({ name: 'GNUSparseFile.1/x', data: stored })]);
    }
    case '1.0':
      return mapInData(plan, `${[regions.length, ...numbers].join('\n')}\n`);
  }
}

/** Format 1.0 with any text as its map. */
export function mapInData({ name, realBytes, stored }: SparsePlan, text: string): Buffer {
  const map = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  map.write(text, 'latin1');
  const records = [
    paxRecord('GNU.sparse.major', '1'),
    paxRecord('GNU.sparse.minor', '0'),
    paxRecord('GNU.sparse.name', name),
    paxRecord('GNU.sparse.realsize', String(realBytes)),
  ];
  return Buffer.concat([
    paxHeader(...records),
    tarEntry({ name: 'GNUSparseFile.1/x', data: Buffer.concat([map, stored]) }),
  ]);
}

function oldGnu({ name, regions, realBytes, stored }: SparsePlan): Buffer {
  const [header, data] = [tarEntry({ name, type: 'S', size: stored.length }), tarEntry({ name, data: stored })];
  const pair = (block: Buffer, at: number, [offset, length]: readonly [number, number]): void => {
    field(block, at, offset);
    field(block, at + 12, length);
  };
  header.write('ustar  \0', 257, 'latin1');
  header.fill(0, 345, 500);
  field(header, 483, realBytes);
  regions.slice(0, 4).forEach((region, index) => pair(header, 386 + index * 24, region));
  const more: Buffer[] = [];
  for (let at = 4; at < regions.length; at += 21) {
    const block = Buffer.alloc(512);
    regions.slice(at, at + 21).forEach((region, index) => pair(block, index * 24, region));
    if (at + 21 < regions.length) block[504] = 1;
    more.push(block);
  }
  if (more.length > 0) header[482] = 1;
  return Buffer.concat([sealed(header), ...more, data.subarray(512)]);
}

/** A number as GNU tar has it: octal, or in base 256 when that is too short or it is negative. */
function field(block: Buffer, at: number, value: number): void {
  if (value >= 0 && value < 8 ** 11) {
    block.write(`${value.toString(8).padStart(11, '0')}\0`, at, 'latin1');
    return;
  }
  block.fill(value < 0 ? 0xff : 0, at, at + 12);
  block.writeBigInt64BE(BigInt(value), at + 4);
  if (value >= 0) block[at] = 0x80;
}

/** What an archive tells of its files, without making holes: sizes of pieces, negative for holes, and the stored bytes. */
export interface ToldFile {
  readonly header: TarHeader;
  readonly pieces: readonly number[];
  readonly bytes: Buffer;
}

/** Reads an archive in pieces of `step` bytes. */
export function tellFiles(archive: Uint8Array, step: number = archive.length): ToldFile[] {
  const reader = new TarReader();
  const files: { header: TarHeader; pieces: number[]; bytes: Buffer }[] = [];
  for (let at = 0; at < archive.length; at += step) {
    for (const event of reader.push(archive.subarray(at, at + step))) {
      const last = files.at(-1);
      if (event.kind === 'entry') files.push({ header: event.header, pieces: [], bytes: Buffer.alloc(0) });
      else if (event.kind === 'hole') last?.pieces.push(-event.lengthBytes);
      else if (event.kind === 'data' && last !== undefined) {
        last.bytes = Buffer.concat([last.bytes, event.bytes]);
        const before = last.pieces.at(-1) ?? -1;
        if (before > 0) last.pieces[last.pieces.length - 1] = before + event.bytes.length;
        else last.pieces.push(event.bytes.length);
      }
    }
  }
  reader.end();
  return files;
}
